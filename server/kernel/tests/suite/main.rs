//! The same steps on the memory kernel and on Linux, with the same answers and the same text expected of both.
//!
//! On memory it always runs. On Linux it runs where the environment says so, as root:
//!
//! - `CARIBE_KERNEL=linux`: everything; the kernel must have IPVS, and `ipvsadm` and `ip` must be there.
//! - `CARIBE_KERNEL=linux-net`: only what needs no IPVS (addresses, parameters, announcements, events).
//!
//! Otherwise the Linux half says aloud that it was skipped. Every Linux case has a network namespace of its own, so
//! nothing of the host is touched.
#![allow(missing_docs, reason = "a test binary has no callers")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking and talks on its terminal"
)]

mod announce;
mod bench;
mod connections;
mod events;
mod ipvs;
mod namespace;
mod network;
mod packets;
mod shield;
mod sync;

macro_rules! on_both {
    ($needs:ident, $group:ident: $($case:ident),+ $(,)?) => {
        mod $group {
            mod memory {
                $( #[test] fn $case() { crate::bench::on_memory(crate::$group::$case); } )+
            }
            mod linux {
                $( #[test] fn $case() {
                    crate::bench::on_linux(crate::bench::Needs::$needs, crate::$group::$case);
                } )+
            }
        }
    };
}

mod cases {
    on_both!(Ipvs, ipvs:
        every_kind_of_service,
        every_scheduler_of_every_kernel,
        every_kind_of_real_server,
        one_mark_for_both_families,
        changes_in_place_keep_the_servers,
        what_the_kernel_refuses,
        an_error_in_the_middle_stops_nothing,
        a_large_table_with_errors_in_every_batch,
        session_timeouts,
        the_directors_own_address_as_real_server,
        counters_of_a_fresh_table,
        counters_of_a_quiet_service_are_read_where_they_are_due,
        steps_of_all_kinds_in_their_order,
    );
    on_both!(Network, network:
        addresses_come_and_go,
        what_the_kernel_refuses_of_addresses,
        secondaries_vanish_with_their_primary,
        secondaries_are_promoted_where_the_parameter_says_so,
        lifetimes_of_others_are_seen,
        the_life_of_an_address_is_renewed_and_ends_without_its_network,
        parameters,
        links,
    );
    on_both!(Network, packets:
        rules_come_change_and_go,
        what_others_do_to_rules_is_seen,
        a_star_asks_for_every_interface,
    );
    on_both!(Ipvs, sync: daemons_come_and_go, what_the_kernel_refuses_of_daemons);
    on_both!(Network, announce: announcements, what_cannot_be_announced);
}
