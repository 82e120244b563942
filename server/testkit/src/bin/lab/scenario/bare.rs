//! The lab without Caribe: tables and addresses are made by hand, as an operator would. When one of these fails, the
//! network or the kernel is at fault, and no other scenario can be believed.

use anyhow::Result;
use testkit::process;

use super::forwarding::replies_bypass;
use crate::network::{self, DIRECTORS, Servers, VIP};
use crate::stage::Stage;

pub(crate) fn nat() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    by_hand(&stage, Servers::Nat, "-m -w 1")?;
    stage.both_serve(60)
}

pub(crate) fn direct() -> Result<()> {
    let stage = Stage::set(Servers::Direct, None)?;
    by_hand(&stage, Servers::Direct, "-g -w 1")?;
    replies_bypass(&stage)
}

pub(crate) fn tunnel() -> Result<()> {
    let stage = Stage::set(Servers::Tunnel, None)?;
    by_hand(&stage, Servers::Tunnel, "-i -w 1 --tun-type ipip")?;
    replies_bypass(&stage)
}

fn by_hand(stage: &Stage, servers: Servers, method: &str) -> Result<()> {
    let [primary, _] = &DIRECTORS;
    let mut table = format!("-A -t {VIP}:80 -s wlc\n");
    for address in servers.addresses() {
        table.push_str(&format!("-a -t {VIP}:80 -r {address}:80 {method}\n"));
    }
    let mut addresses = vec![format!("addr add {VIP}/24 dev eth0 label eth0:1")];
    if servers == Servers::Nat {
        addresses.push("addr add 10.0.0.254/16 dev eth1 label eth1:1".into());
    }
    network::ip(Some(primary.namespace), &addresses)?;
    let restore = network::within(primary.namespace, &["ipvsadm", "-R"]);
    let finished = process::finish(restore, table.as_bytes())?;
    anyhow::ensure!(finished.status.success(), "ipvsadm -R: {}", finished.said());
    stage.wait_for_table(primary, &table)
}
