//! Orders given on the command line reach kernels.

use clap::Parser as _;
use kernel::Kernel as _;

use super::{CLUSTER, Member, Place, eventually};
use crate::cli::{Cli, Command};

impl Place {
    /// Runs `caribe ctl …` as this console's administrator; whether nothing is left to wait for.
    async fn ctl(&self, words: &[&str]) -> anyhow::Result<bool> {
        let certificate = self.console.pki().web_fingerprint().to_string();
        let url = format!("https://{}", self.address);
        let Command::Ctl(asked) = Cli::parse_from([&["caribe", "ctl"], words].concat()).command else {
            panic!("another command")
        };
        crate::ctl::run_as(*asked, &url, &self.token, &certificate).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_is_drained_and_enabled_and_refusals_are_told() {
    let place = Place::new().await;
    let members = place.pair().await;

    assert!(place.ctl(&["drain", CLUSTER, "http/one", "--wait", "--timeout", "60"]).await.unwrap());
    assert_eq!([weights(&members[0]), weights(&members[1])], [[0], [0]]);
    assert!(place.ctl(&["enable", CLUSTER, "http/one"]).await.unwrap());
    let back = async || members.iter().all(|member| weights(member) == [1]);
    eventually("both kernels give the weight back", back).await;

    // The director's own answer: on kernels in memory it hears no partner.
    let error = place.ctl(&["hold", CLUSTER, "director-a"]).await.unwrap_err();
    assert_eq!(error.to_string(), "director-a does not do that: not done: the partner is not heard");
    for words in [
        &["drain", CLUSTER, "no/where"][..],
        &["drain", CLUSTER, "where"],
        &["drain", CLUSTER, "203.0.113.77"],
        &["hold", CLUSTER, "nobody"],
        &["undo", CLUSTER],
    ] {
        assert!(place.ctl(words).await.is_err(), "{words:?}");
    }
    place.end(members).await;
}

/// The weights in a director's kernel.
fn weights(member: &Member) -> Vec<u32> {
    let table = member.kernel.clone().observe(&Default::default()).unwrap().table;
    table.services.values().flat_map(|service| service.servers.values().map(|row| row.weight)).collect()
}
