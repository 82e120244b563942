//! EDIT REAL SERVER.

use lvs::model::{ConnectionLimit, RealServer, Weight};

use super::read::forwarding_texts;
use super::{Bound, Reader};
use crate::fields::Fields;

/// What happens when it fails: as the virtual server says, weight 0, or removal.
const QUIESCE: [(&str, Option<bool>); 3] = [("", None), ("quiesce", Some(true)), ("remove", Some(false))];

/// One real server.
pub(crate) enum RealServerForm {}

impl Bound for RealServerForm {
    type Object = RealServer;

    const KNOWN: &'static [&'static str] = &[
        "name",
        "address",
        "port",
        "weight",
        "backup",
        "quiesce",
        "forwarding",
        "forwarding.tunnel.kind",
        "forwarding.tunnel.port",
        "forwarding.tunnel.checksum",
        "limit.upper",
        "limit.lower",
        "active",
    ];

    fn texts(server: &RealServer) -> Fields {
        let limit = server.limit.as_ref();
        let new = server.name.is_empty() && server.address.is_unspecified();
        let fields = Fields::default()
            .with("name", &server.name)
            .with_some("address", Some(server.address).filter(|_| !new))
            .with_some("port", server.port)
            .with("weight", server.weight.0)
            .with_tick("backup", server.backup)
            .with(
                "quiesce",
                QUIESCE.iter().find(|(_, own)| *own == server.quiesce).map_or("", |(word, _)| word),
            )
            .with_some("limit.upper", limit.map(|l| l.upper))
            .with_some("limit.lower", limit.map(|l| l.lower).filter(|l| *l != 0))
            .with_tick("active", server.active);
        forwarding_texts(fields, server.forwarding)
    }

    fn read(reader: &mut Reader<'_>, old: RealServer) -> RealServer {
        RealServer {
            name: reader.text("name").to_owned(),
            address: reader.needed_address("address", old.address),
            port: reader.number("port", old.port),
            weight: Weight(reader.needed_number("weight", old.weight.0)),
            backup: reader.ticked("backup"),
            quiesce: reader.choice("quiesce", &QUIESCE, old.quiesce),
            forwarding: reader.forwarding(old.forwarding),
            limit: limit(reader, old.limit),
            active: reader.ticked("active"),
            ..old
        }
    }
}

fn limit(reader: &mut Reader<'_>, old: Option<ConnectionLimit>) -> Option<ConnectionLimit> {
    let lower = reader.number("limit.lower", old.map(|l| l.lower)).unwrap_or(0);
    let upper = reader.number("limit.upper", old.map(|l| l.upper));
    if upper.is_none() && lower != 0 {
        reader.wrong("limit.upper", "wrong-missing");
    }
    upper.map(|upper| ConnectionLimit { upper, lower })
}
