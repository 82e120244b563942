//! What a setting means once defaults and the settings above it are taken in.
//!
//! Total functions, also for clusters that are not valid. Used by the checks, the planner, forms and exports, so
//! that a default is decided in one place.

use std::net::IpAddr;

use super::{
    Forwarding, GlobalSettings, NatRouter, RealServer, SorryServer, Timeouts, TunnelChecksum, TunnelKind,
    Vip, VirtualServer,
};
use crate::table::{AddressKey, Family, ServerKey, ServiceKey};

impl VirtualServer {
    /// The family of the packets it serves: its address says it, else its own word, else IPv4.
    pub fn family(&self) -> Family {
        match &self.vip {
            Some(vip) => Family::of(vip.address),
            None => self.family.unwrap_or(Family::Ipv4),
        }
    }

    /// Its key in the kernel; none while it has neither address nor mark.
    pub fn key(&self) -> Option<ServiceKey> {
        if let Some(mark) = self.mark {
            return Some(ServiceKey::Mark { mark, family: self.family() });
        }
        let vip = self.vip.as_ref()?;
        Some(ServiceKey::Address { protocol: self.protocol, address: vip.address, port: self.port })
    }

    /// Whether a failed real server stays with weight 0 rather than being removed.
    pub fn quiesces(&self, server: &RealServer) -> bool {
        server.quiesce.unwrap_or(self.quiesce)
    }

    /// A real server's key in the kernel.
    pub fn server_key(&self, server: &RealServer) -> ServerKey {
        ServerKey { address: server.address, port: server.port.unwrap_or(self.port) }
    }

    /// The sorry server's key in the kernel.
    pub fn sorry_key(&self, server: &SorryServer) -> ServerKey {
        ServerKey { address: server.address, port: server.port.unwrap_or(self.port) }
    }
}

impl RealServer {
    /// Its own forwarding, else the cluster's.
    pub fn forwarding_in(&self, global: &GlobalSettings) -> Forwarding {
        self.forwarding.unwrap_or(global.forwarding)
    }
}

impl SorryServer {
    /// Its own forwarding, else the cluster's.
    pub fn forwarding_in(&self, global: &GlobalSettings) -> Forwarding {
        self.forwarding.unwrap_or(global.forwarding)
    }
}

impl Vip {
    /// The prefix length that is programmed.
    pub fn prefix_length(&self) -> u8 {
        prefix_length(self.address, self.prefix)
    }

    /// Its key in the kernel; none where the address is not managed here.
    pub fn address_key(&self) -> Option<AddressKey> {
        let device = self.device.as_ref()?;
        Some(AddressKey {
            interface: device.interface().to_owned(),
            address: self.address,
            prefix: self.prefix_length(),
        })
    }
}

impl NatRouter {
    /// The prefix length that is programmed.
    pub fn prefix_length(&self) -> u8 {
        prefix_length(self.address, self.prefix)
    }

    /// Its key in the kernel.
    pub fn address_key(&self) -> AddressKey {
        AddressKey {
            interface: self.device.interface().to_owned(),
            address: self.address,
            prefix: self.prefix_length(),
        }
    }
}

fn prefix_length(address: IpAddr, prefix: Option<u8>) -> u8 {
    prefix.unwrap_or(Family::of(address).bits())
}

impl Timeouts {
    /// The same with 0 taken as "leave the kernel's own", as lvs.cf and `ipvsadm --set` mean it.
    pub fn effective(self) -> Timeouts {
        let given = |seconds: Option<u32>| seconds.filter(|s| *s != 0);
        Timeouts { tcp: given(self.tcp), tcpfin: given(self.tcpfin), udp: given(self.udp) }
    }
}

impl TunnelKind {
    /// The word used in files and by ipvsadm.
    pub fn as_str(self) -> &'static str {
        match self {
            TunnelKind::Ipip => "ipip",
            TunnelKind::Gue => "gue",
            TunnelKind::Gre => "gre",
        }
    }
}

impl TunnelChecksum {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            TunnelChecksum::None => "none",
            TunnelChecksum::Full => "full",
            TunnelChecksum::Remote => "remote",
        }
    }
}
