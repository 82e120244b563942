//! What virtual addresses of one file mean together: the original puts each address on the device of the first active
//! block that has it, and two addresses under one label replace each other.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::finding::Code;
use crate::format::places::Spot;
use crate::model::{Cluster, Device};

use super::reader::Reader;

/// Makes active virtual servers agree on devices, labels and masks, and says what was changed.
pub(super) fn settle(reader: &mut Reader<'_>, cluster: &mut Cluster) {
    let mut placed: BTreeMap<IpAddr, (Device, Option<u8>)> = BTreeMap::new();
    let mut labels: BTreeMap<String, IpAddr> = BTreeMap::new();
    if let Some(router) = &cluster.global.nat_router {
        placed.insert(router.address, (router.device.clone(), router.prefix));
        if let Some(label) = router.device.label() {
            labels.insert(label.to_owned(), router.address);
        }
    }
    for (index, server) in cluster.virtual_servers.iter_mut().enumerate() {
        let Some(vip) = server.vip.as_mut().filter(|_| server.active) else { continue };
        let spot = reader
            .places
            .find(&format!("/virtual_servers/{index}/vip"))
            .unwrap_or(Spot { line: 1, column: 1 });
        let Some(device) = vip.device.clone() else { continue };
        if let Some((first, prefix)) = placed.get(&vip.address) {
            if first.interface() != device.interface() || *prefix != vip.prefix {
                let mask = prefix.map_or(String::new(), |length| format!("/{length}"));
                reader
                    .warn(spot, Code::DeviceOther)
                    .with("address", format!("{}{mask}", vip.address))
                    .with("device", first);
                vip.device = Some(first.clone());
                vip.prefix = *prefix;
            }
            continue;
        }
        if let Some(label) = device.label() {
            match labels.get(label) {
                Some(other) => {
                    // The label is a name for people; the address is what matters, so it keeps its interface.
                    reader.warn(spot, Code::LabelShared).with("device", &device).with("address", other);
                    vip.device = device.interface().parse().ok();
                }
                None => _ = labels.insert(label.to_owned(), vip.address),
            }
        }
        let device = vip.device.clone().unwrap_or(device);
        placed.insert(vip.address, (device, vip.prefix));
    }
}
