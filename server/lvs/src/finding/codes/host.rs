//! The codes about what directors are prepared with, before all others but those about checks: `with_host` is given the
//! others and hands on the whole list.

macro_rules! with_host {
    ($($others:tt)*) => {
        checks::with_checks! {
            // What the agents set up on the directors (`model::validate::host`).
            MasqueradeTooMany "masquerade-too-many" "at most {maximum} networks are masqueraded";
            MasqueradeEverything "masquerade-everything" "{network} is every address there is; name the network of the real servers";
            MasqueradeNetwork "masquerade-network" "{network} is an address within a network; write {written}";
            MasqueradeLabel "masquerade-label" "packets leave by an interface, not by the label {label}; write {interface}";
            MasqueradeTwice "masquerade-twice" "{network} is named twice for the same interface";
            MasqueradeUnforwarded "masquerade-unforwarded" "a director that does not forward packets masquerades none; let it be prepared, unless it is set up to forward already";
            MarkedWithoutMark "marked-without-mark" "packets are marked for a service by mark, and this one has none; give it a mark";
            MarkedTooMany "marked-too-many" "at most {maximum} ranges of ports are marked for one service";
            MarkedFamily "marked-family" "the service is {family}, and {address} is not";
            MarkedPorts "marked-ports" "ports are numbers from 1 to 65535, the last not below the first; these are {ports}";
            MarkedTaken "marked-taken" "{traffic} is already marked for {other}; a packet has one mark";
            $($others)*
        }
    };
}

pub(super) use with_host;
