//! What a setting is called on its page, for lists of differences and findings. Fields without a label of their own keep
//! their JSON names, which are those of the API. Decides nothing.

use console::Object;

use crate::locale::Locale;

/// Settings of one kind of object: JSON path and the key of the label on its page.
type Labels = &'static [(&'static str, &'static str)];

const GLOBAL: Labels = &[
    ("forwarding", "label-forwarding"),
    ("forwarding.tunnel.kind", "label-tunnel-kind"),
    ("forwarding.tunnel.port", "label-tunnel-port"),
    ("forwarding.tunnel.checksum", "label-tunnel-checksum"),
    ("nat_router.address", "label-nat-router"),
    ("nat_router.prefix", "label-nat-mask"),
    ("nat_router.device", "label-nat-device"),
    ("timeouts.tcp", "label-tcp-timeout"),
    ("timeouts.tcpfin", "label-tcpfin-timeout"),
    ("timeouts.udp", "label-udp-timeout"),
    ("drift", "label-drift"),
    ("four_eyes", "label-four-eyes"),
    ("host.prepare", "label-host-prepare"),
    ("host.masquerade", "label-masquerade"),
    ("host.expire_nodest_conn", "label-expire-nodest"),
    ("host.expire_quiescent_template", "label-expire-quiescent"),
    ("host.conntrack", "label-conntrack"),
];

const REDUNDANCY: Labels = &[
    ("enabled", "label-redundancy-enabled"),
    ("protocol.kind", "label-protocol-kind"),
    ("protocol.version", "label-vrrp-version"),
    ("interval_ms", "label-interval"),
    ("deadtime_ms", "label-deadtime"),
    ("heartbeat_port", "label-heartbeat-port"),
    ("preempt", "label-preempt"),
    ("preempt_delay_s", "label-preempt-delay"),
    ("monitor_links", "label-monitor-links"),
    ("gateway", "label-gateway"),
    ("witness", "label-witness"),
    ("sync.enabled", "label-sync-enabled"),
    ("sync.interface", "label-sync-interface"),
    ("sync.id", "label-sync-id"),
    ("active_cmd", "label-active-cmd"),
    ("inactive_cmd", "label-inactive-cmd"),
];

const DIRECTOR: Labels = &[
    ("name", "label-name"),
    ("seat", "label-seat"),
    ("public", "label-public"),
    ("private", "label-private"),
];

const VIRTUAL_SERVER: Labels = &[
    ("name", "label-name"),
    ("active", "label-active"),
    ("vip.address", "label-vip"),
    ("vip.prefix", "label-vip-mask"),
    ("vip.device", "label-device"),
    ("mark", "label-mark"),
    ("marked", "label-marked"),
    ("family", "label-family"),
    ("protocol", "label-protocol"),
    ("port", "label-application-port"),
    ("scheduler", "label-scheduling"),
    ("scheduler_flags", "label-flags"),
    ("persistence.timeout_s", "label-persistence"),
    ("persistence.prefix", "label-persistence-mask"),
    ("one_packet", "label-one-packet"),
    ("quiesce", "label-quiesce"),
    ("quorum.weight", "label-quorum"),
    ("quorum.hysteresis", "label-hysteresis"),
    ("sorry_server.address", "label-sorry"),
    ("sorry_server.port", "label-sorry-port"),
    ("sorry_server.forwarding", "label-sorry-forwarding"),
    ("sorry_server.check", "label-sorry-check"),
];

const REAL_SERVER: Labels = &[
    ("name", "label-name"),
    ("active", "label-active"),
    ("address", "label-address"),
    ("port", "label-port"),
    ("weight", "label-weight"),
    ("forwarding", "group-forwarding"),
    ("forwarding.tunnel.kind", "label-tunnel-kind"),
    ("forwarding.tunnel.port", "label-tunnel-port"),
    ("forwarding.tunnel.checksum", "label-tunnel-checksum"),
    ("backup", "label-backup-server"),
    ("quiesce", "label-on-failure"),
    ("limit.upper", "label-limit-upper"),
    ("limit.lower", "label-limit-lower"),
];

/// Below `monitor.`, the same for virtual and for real servers.
const MONITOR: Labels = &[
    ("checks", "group-checks"),
    ("combine", "label-combine"),
    ("port", "label-check-port"),
    ("source", "label-check-source"),
    ("interface", "label-check-interface"),
    ("mark", "label-check-mark"),
    ("data_path", "label-data-path"),
    ("interval_ms", "label-check-interval"),
    ("timeout_ms", "label-service-timeout"),
    ("fall", "label-fall"),
    ("rise", "label-rise"),
    ("retry_delay_ms", "label-retry-delay"),
    ("reentry_s", "label-reentry"),
    ("spread_ms", "label-spread"),
    ("start", "label-start"),
    ("damping.failures", "label-damping"),
    ("damping.within_s", "label-damping-within"),
    ("damping.hold_s", "label-damping-hold"),
    ("slow_start.seconds", "label-slow-start"),
    ("slow_start.ramp", "label-ramp"),
];

fn find(labels: Labels, path: &str) -> Option<&'static str> {
    labels.iter().find(|(field, _)| *field == path).map(|(_, key)| *key)
}

/// The name of a field, by its path with dots, as its page has it.
pub(super) fn field_name(locale: Locale, object: Object, path: &str) -> String {
    let labels = match object {
        Object::Cluster if path == "name" => return locale.say("label-cluster-name").to_string(),
        Object::Cluster => return path.to_owned(),
        Object::Global => GLOBAL,
        Object::Redundancy => REDUNDANCY,
        Object::Director => DIRECTOR,
        Object::VirtualServer => VIRTUAL_SERVER,
        Object::RealServer => REAL_SERVER,
    };
    let Some(monitor) = path.strip_prefix("monitor.") else {
        return find(labels, path).map_or_else(|| path.to_owned(), |key| locale.say(key).to_string());
    };
    if let Some((number, rest)) =
        monitor.strip_prefix("checks.").map(|of| of.split_once('.').unwrap_or((of, "")))
        && let Ok(number) = number.parse::<usize>()
    {
        // A check's own fields are many and depend on its kind; which check it is says the most.
        let check = locale.say("check-number").with("number", number.saturating_add(1)).to_string();
        return match rest {
            "" => check,
            "kind" => said(locale, check, &locale.say("label-check-kind").to_string()),
            rest => said(locale, check, rest),
        };
    }
    find(MONITOR, monitor).map_or_else(|| path.to_owned(), |key| locale.say(key).to_string())
}

fn said(locale: Locale, object: String, field: &str) -> String {
    locale.say("place-field").with("object", object).with("field", field).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn fields_are_called_as_on_their_pages() {
        let name = |object, path| field_name(Locale::default(), object, path);
        assert_eq!(name(Object::RealServer, "weight"), "Weight");
        assert_eq!(name(Object::VirtualServer, "monitor.reentry_s"), "Re-entry Time (seconds)");
        assert_eq!(name(Object::RealServer, "monitor.checks.1.path"), "Check 2, path");
        assert_eq!(name(Object::VirtualServer, "monitor.checks.0"), "Check 1");
        assert_eq!(name(Object::Redundancy, "deadtime_ms"), "Assume dead after (milliseconds)");
        assert_eq!(name(Object::Redundancy, "a.thing.of.tomorrow"), "a.thing.of.tomorrow");
        assert_eq!(name(Object::Cluster, "name"), "Name of the cluster");
    }

    #[test]
    fn every_label_is_in_both_catalogues() {
        for locale in Language::ALL.map(Locale::from) {
            for (_, key) in [GLOBAL, REDUNDANCY, DIRECTOR, VIRTUAL_SERVER, REAL_SERVER, MONITOR].concat() {
                assert!(!locale.say(key).to_string().contains('⟦'), "{key}");
            }
        }
    }
}
