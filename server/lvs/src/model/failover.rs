//! How long clients wait when the active director dies, as the redundancy settings say it, and Caribe's own timers in
//! their place.
//!
//! Only arithmetic on settings: what a running director has seen is not known here. Called by the import page, the
//! API and forms, so that all of them name the same seconds.

use super::redundancy::{Redundancy, RedundancyProtocol, Vrrp, VrrpInstance, VrrpVersion};
use crate::table::Family;

/// Time from the active director's sudden death until its partner takes over, milliseconds.
///
/// A clean stop is quicker, because it is announced. What comes on top is the time of the switch itself: addresses,
/// and the announcements that tell the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailoverTime {
    /// It dies half-way between two beats, as it does on average.
    pub typical_ms: u32,
    /// It dies right after a beat, so that the whole silence is still to come.
    pub worst_ms: u32,
}

impl Redundancy {
    /// What these settings make of the death of the active director; none where nobody takes over.
    ///
    /// - Heartbeat: the deadtime, which directors take for at least three intervals. The seconds of an lvs.cf count
    ///   in the same way: Piranha's daemons, too, waited for the deadtime after the last beat.
    /// - VRRP: the master-down interval, three advertisement intervals and the skew time of the lower priority
    ///   (RFC 3768 §6.1, RFC 9568 §6.1). Where virtual routers differ, the slowest counts.
    pub fn failover_time(&self) -> Option<FailoverTime> {
        if !self.enabled {
            return None;
        }
        let three = self.interval_ms.saturating_mul(3);
        let silence = match &self.protocol {
            RedundancyProtocol::Heartbeat | RedundancyProtocol::Pulse => self.deadtime_ms.max(three),
            RedundancyProtocol::Vrrp(vrrp) => {
                let skews = vrrp.instances.iter().map(|instance| skew_ms(vrrp, instance, self.interval_ms));
                three.saturating_add(skews.max()?)
            }
        };
        Some(FailoverTime { typical_ms: silence.saturating_sub(self.interval_ms / 2), worst_ms: silence })
    }

    /// The same pair with Caribe's heartbeat and its default timers, 100 ms and 500 ms; everything that is not about
    /// time and protocol stays as it is.
    ///
    /// The virtual routers of VRRP go: their addresses move with the virtual servers and the other floating addresses
    /// that name them. Directors send to each other's address with it, so both must be known.
    pub fn with_default_timers(&self) -> Redundancy {
        let default = Redundancy::default();
        Redundancy {
            protocol: default.protocol,
            interval_ms: default.interval_ms,
            deadtime_ms: default.deadtime_ms,
            ..self.clone()
        }
    }
}

/// The skew time of the director with the lower priority, milliseconds, rounded up. Version 2 knows no interval in
/// it; version 3, which IPv6 always has, does.
fn skew_ms(vrrp: &Vrrp, instance: &VrrpInstance, interval_ms: u32) -> u32 {
    let lower = instance.priority.primary.min(instance.priority.backup);
    let share = 256 - u64::from(lower.get());
    let is_ipv6 = instance.addresses.first().is_some_and(|address| Family::of(*address) == Family::Ipv6);
    let of = match vrrp.version {
        VrrpVersion::V2 if !is_ipv6 => 1_000,
        _ => u64::from(interval_ms),
    };
    u32::try_from((share * of).div_ceil(256)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use super::*;
    use crate::model::{ConnectionSync, PriorityPair, Vip};

    fn vrrp(version: VrrpVersion, interval_ms: u32, backup: u8, address: &str) -> Redundancy {
        let number = |n: u8| NonZeroU8::new(n).unwrap();
        let instance = VrrpInstance {
            name: "VI_1".into(),
            interface: "eth0".parse().unwrap(),
            virtual_router_id: number(51),
            priority: PriorityPair { primary: number(150), backup: number(backup) },
            password: None,
            unicast: false,
            addresses: vec![address.parse().unwrap()],
        };
        let protocol = RedundancyProtocol::Vrrp(Vrrp { version, instances: vec![instance] });
        Redundancy { enabled: true, interval_ms, protocol, ..Redundancy::default() }
    }

    fn heartbeat(interval_ms: u32, deadtime_ms: u32) -> Redundancy {
        Redundancy { enabled: true, interval_ms, deadtime_ms, ..Redundancy::default() }
    }

    #[test]
    fn a_heartbeat_waits_for_its_deadtime() {
        for (interval, deadtime, typical_ms, worst_ms) in [
            (100, 500, 450, 500),
            // A Piranha file: six seconds and eighteen.
            (6_000, 18_000, 15_000, 18_000),
            // A deadtime that is too short is not believed.
            (6_000, 7_000, 15_000, 18_000),
        ] {
            let time = heartbeat(interval, deadtime).failover_time();
            assert_eq!(time, Some(FailoverTime { typical_ms, worst_ms }), "{interval} {deadtime}");
        }
    }

    #[test]
    fn vrrp_waits_for_three_intervals_and_the_skew_as_measured_with_keepalived() {
        use VrrpVersion::{V2, V3};
        for (version, interval, backup, address, worst_ms) in [
            (V2, 1_000, 100, "192.0.2.1", 3_610),
            (V3, 100, 100, "192.0.2.1", 361),
            (V3, 500, 100, "2001:db8::1", 1_805),
            // The skew of version 2 is no share of the interval; that of IPv6 is, because IPv6 has version 3.
            (V2, 10_000, 100, "192.0.2.1", 30_610),
            (V2, 10_000, 100, "2001:db8::1", 36_094),
            (V2, 1_000, 255, "192.0.2.1", 3_415),
        ] {
            let time = vrrp(version, interval, backup, address).failover_time().unwrap();
            assert_eq!(time.worst_ms, worst_ms, "{version:?} {interval} {backup} {address}");
            assert_eq!(time.typical_ms, worst_ms - interval / 2);
        }
    }

    #[test]
    fn the_slowest_virtual_router_counts() {
        let mut redundancy = vrrp(VrrpVersion::V2, 1_000, 100, "192.0.2.1");
        let RedundancyProtocol::Vrrp(vrrp) = &mut redundancy.protocol else { panic!("no VRRP") };
        let mut slow = vrrp.instances[0].clone();
        slow.priority.backup = NonZeroU8::new(1).unwrap();
        vrrp.instances.insert(0, slow);
        assert_eq!(redundancy.failover_time().unwrap().worst_ms, 3_997);
    }

    #[test]
    fn nobody_takes_over_without_a_partner_or_a_virtual_router() {
        assert_eq!(Redundancy::default().failover_time(), None);
        let mut redundancy = vrrp(VrrpVersion::V2, 1_000, 100, "192.0.2.1");
        redundancy.protocol = RedundancyProtocol::Vrrp(Vrrp::default());
        assert_eq!(redundancy.failover_time(), None);
    }

    #[test]
    fn settings_out_of_range_do_not_overflow() {
        let time = heartbeat(u32::MAX, u32::MAX).failover_time().unwrap();
        assert_eq!(time.worst_ms, u32::MAX);
        let time = vrrp(VrrpVersion::V3, u32::MAX, 1, "192.0.2.1").failover_time().unwrap();
        assert_eq!(time.worst_ms, u32::MAX);
    }

    #[test]
    fn default_timers_change_times_and_protocol_only() {
        let mut given = vrrp(VrrpVersion::V2, 1_000, 100, "192.0.2.1");
        given.preempt = true;
        given.preempt_delay_s = 7;
        given.monitor_links = true;
        given.addresses =
            vec![Vip { address: "192.0.2.9".parse().unwrap(), prefix: None, device: "eth0".parse().ok() }];
        given.sync = ConnectionSync { enabled: true, interface: None, id: 3 };
        given.active_cmd = Some("/bin/true".into());
        let ours = given.with_default_timers();
        assert_eq!(ours.failover_time(), Some(FailoverTime { typical_ms: 450, worst_ms: 500 }));
        assert_eq!(ours.protocol, RedundancyProtocol::Heartbeat);
        let back = Redundancy {
            protocol: given.protocol.clone(),
            interval_ms: given.interval_ms,
            deadtime_ms: given.deadtime_ms,
            ..ours.clone()
        };
        assert_eq!(back, given);
        assert_eq!(ours.with_default_timers(), ours);
    }
}
