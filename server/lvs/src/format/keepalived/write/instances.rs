//! `vrrp_instance` and `vrrp_sync_group` blocks of one director.
//!
//! Which virtual routers there are is decided in `routers`; here each is written from the side of one seat. Called by
//! `write` for each director.

use std::net::IpAddr;
use std::num::NonZeroU8;

use super::given_back::GivenBack;
use super::page::Page;
use super::routers::{ADVERTS, NAME, Router};
use super::{Node, Said};
use crate::finding::{Code, Finding};
use crate::format::keepalived::reader::Seconds;
use crate::model::{Cluster, CommandLine, Redundancy, Seat, Secret, Vip};
use crate::table::Family;

/// Writes the instances of one director. Whether keepalived runs a program for them.
pub(super) fn write(
    page: &mut Page,
    said: &mut Said,
    cluster: &Cluster,
    routers: &[Router],
    given_back: &mut GivenBack<'_>,
    node: Node<'_>,
) -> bool {
    let redundancy = &cluster.redundancy;
    if routers.is_empty() {
        return false;
    }
    if !redundancy.enabled && node.seat() == Seat::Backup {
        page.comment("Without redundancy only the primary director holds addresses.");
        page.gap();
        said.warn(Finding::field("/redundancy/enabled", Code::ExportKeepalivedStandby));
        return false;
    }
    let mut runs_programs = false;
    let together = routers.len() > 1;
    if together {
        runs_programs |= group(page, said, redundancy, routers, given_back, node);
    }
    for router in routers {
        page.open(format!("vrrp_instance {}", said.plain(&format!("{}/name", router.pointer), &router.name)));
        let mut written = vec![
            "state",
            "interface",
            "virtual_router_id",
            "priority",
            "version",
            "advert_int",
            "nopreempt",
            "preempt_delay",
            "dont_track_primary",
            "unicast_src_ip",
            "unicast_peer",
            "mcast_src_ip",
            "authentication",
        ];
        router.timers(page, said, redundancy, node);
        if router.adverts != ADVERTS {
            page.line(format!("down_timer_adverts {}", router.adverts));
            written.push("down_timer_adverts");
        }
        if !router.path(page, said, redundancy, node) {
            // Words of unicast are errors without a partner to send to.
            let of_unicast =
                ["unicast_ttl", "unicast_fault_no_peer", "check_unicast_src", "old_unicast_checksum"];
            written.extend(of_unicast);
        }
        if router.links(page, redundancy) {
            written.push("track_interface");
        }
        if let Some(password) = &router.password {
            router.authentication(page, said, password);
        }
        for (word, vips) in
            [("virtual_ipaddress", &router.advertised), ("virtual_ipaddress_excluded", &router.excluded)]
        {
            // The list as it was knows options that are nowhere else.
            if !given_back.is_list_of(&router.name, word, vips) {
                list(page, word, vips);
                written.push(word);
            }
        }
        if !together {
            runs_programs |= programs(page, said, redundancy, &mut written);
        }
        runs_programs |= given_back.instance(page, &router.name, &written);
        page.close();
        page.gap();
    }
    runs_programs
}

/// The group that makes all virtual routers move together.
fn group(
    page: &mut Page,
    said: &mut Said,
    redundancy: &Redundancy,
    routers: &[Router],
    given_back: &mut GivenBack<'_>,
    node: Node<'_>,
) -> bool {
    let owner = |router: &Router| router.priority.of(node.seat()) == NonZeroU8::MAX;
    if routers.iter().any(owner) != routers.iter().all(owner) {
        said.refuse(Finding::field("/redundancy/protocol/instances", Code::ExportKeepalivedOwners));
    }
    let name = given_back.group_name().unwrap_or(NAME);
    page.open(format!("vrrp_sync_group {}", said.plain("/redundancy/protocol", name)));
    page.open("group");
    for router in routers {
        page.line(said.plain(&format!("{}/name", router.pointer), &router.name));
    }
    page.close();
    let mut written = vec!["group"];
    let mut runs_programs = programs(page, said, redundancy, &mut written);
    runs_programs |= given_back.group(page, name, &written);
    page.close();
    page.gap();
    runs_programs
}

/// What runs on becoming active and standby.
fn programs(
    page: &mut Page,
    said: &mut Said,
    redundancy: &Redundancy,
    written: &mut Vec<&'static str>,
) -> bool {
    let given = [
        ("notify_master", "active_cmd", &redundancy.active_cmd),
        ("notify_backup", "inactive_cmd", &redundancy.inactive_cmd),
    ];
    let mut any = false;
    for (word, field, command) in given {
        if let Some(command) = command {
            any = true;
            written.push(word);
            // The setting's words are separated by blanks alone; keepalived knows quotes.
            let command = CommandLine::plain(command).to_string();
            page.line(format!("{word} {}", said.command(&format!("/redundancy/{field}"), &command)));
        }
    }
    any
}

fn list(page: &mut Page, word: &str, vips: &[Vip]) {
    if vips.is_empty() {
        return;
    }
    page.open(word);
    for vip in vips {
        let mut line = vip.address.to_string();
        if let Some(prefix) = vip.prefix {
            line.push_str(&format!("/{prefix}"));
        }
        if let Some(device) = &vip.device {
            line.push_str(&format!(" dev {}", device.interface()));
            if let Some(label) = device.label().filter(|_| vip.address.is_ipv4()) {
                line.push_str(&format!(" label {label}"));
            }
        }
        page.line(line);
    }
    page.close();
}

impl Router {
    /// Who begins, and when the partner is taken for dead.
    fn timers(&self, page: &mut Page, said: &mut Said, redundancy: &Redundancy, node: Node<'_>) {
        let seat = node.seat();
        let priority = self.priority.of(seat);
        let begins = seat == Seat::Primary && redundancy.preempt && redundancy.preempt_delay_s == 0;
        page.line(if begins { "state MASTER" } else { "state BACKUP" });
        page.line(format!("interface {}", self.interface));
        page.line(format!("virtual_router_id {}", self.id));
        page.line(format!("priority {priority}"));
        if let Some(version) = self.version {
            page.line(format!("version {}", u8::from(version)));
        }
        page.line(format!("advert_int {}", Seconds(self.interval_ms)));
        match (redundancy.preempt, redundancy.preempt_delay_s) {
            (true, 0) => {}
            _ if priority == NonZeroU8::MAX => {
                // keepalived does not let an owner wait.
                let finding =
                    Finding::field(format!("{}/priority", self.pointer), Code::ExportKeepalivedOwner);
                said.warn(finding.with("seat", seat));
            }
            (true, delay_s) => page.line(format!("preempt_delay {delay_s}")),
            (false, _) => page.line("nopreempt"),
        }
    }

    /// From which address to which. Whether to one address alone.
    fn path(&self, page: &mut Page, said: &mut Said, redundancy: &Redundancy, node: Node<'_>) -> bool {
        let Some(director) = node.director else { return false };
        let pointer = format!("/directors/{}/public", node.index);
        let partner =
            node.partner.and_then(|partner| partner.public).filter(|_| self.unicast && redundancy.enabled);
        match (director.public, partner) {
            (Some(own), Some(partner)) => {
                let fits = |address: IpAddr| Family::of(address) == self.family;
                if !fits(own) || !fits(partner) {
                    said.refuse(
                        Finding::field(pointer, Code::ExportKeepalivedUnicast)
                            .with("address", own)
                            .with("name", &self.name),
                    );
                }
                page.line(format!("unicast_src_ip {own}"));
                page.open("unicast_peer");
                page.line(partner);
                page.close();
                return true;
            }
            (Some(IpAddr::V4(own)), None) if self.family == Family::Ipv4 => {
                page.line(format!("mcast_src_ip {own}"));
            }
            (Some(own), None) => {
                // With IPv6 the source must be the link-local address, which keepalived finds by itself.
                page.comment(&format!("The director's address on the clients' side is {own}."));
                said.warn(Finding::field(pointer, Code::ExportKeepalivedComment).with("value", own));
            }
            (None, _) => {}
        }
        false
    }

    /// What is watched; keepalived watches its own interface by itself. Whether further ones are named.
    fn links(&self, page: &mut Page, redundancy: &Redundancy) -> bool {
        if !redundancy.monitor_links {
            page.line("dont_track_primary");
            return false;
        }
        let mut further: Vec<&str> = Vec::new();
        for device in self.advertised.iter().chain(&self.excluded).filter_map(|vip| vip.device.as_ref()) {
            let interface = device.interface();
            if interface != self.interface && !further.contains(&interface) {
                further.push(interface);
            }
        }
        if further.is_empty() {
            return false;
        }
        page.open("track_interface");
        for interface in &further {
            page.line(interface);
        }
        page.close();
        true
    }

    fn authentication(&self, page: &mut Page, said: &mut Said, password: &Secret) {
        let pointer = format!("{}/password", self.pointer);
        let Some(word) = super::page::plain(password.reveal()) else {
            // What cannot be written is not shown: it is a password.
            said.refuse(Finding::field(pointer, Code::ExportKeepalivedSecret));
            return;
        };
        page.open("authentication");
        page.line("auth_type PASS");
        page.line(format!("auth_pass {word}"));
        page.close();
    }
}
