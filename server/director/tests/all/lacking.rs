//! What this machine lacks is never held against a real server, and is said. Each test takes something away for good, so it
//! runs in a process of its own.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use director::Agent;
use lvs::health::{Trouble, Verdict};
use lvs::wire::CheckStatus;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde_json::json;

use crate::checking::{checked, listen, rows, rows_become, slow, status};
use crate::world::{World, target, until};

/// Runs a test again, alone in a process; true in there.
fn apart(name: &str, wrapper: &[&str]) -> bool {
    const MARK: &str = "CARIBE_TEST_APART";
    if std::env::var_os(MARK).is_some_and(|named| named == name) {
        return true;
    }
    let this = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().map(|word| (*word).to_owned()).chain([this.display().to_string()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", &format!("lacking::{name}"), "--nocapture"]).env(MARK, name);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// Two servers that answer, checked ten times a second and in the table.
async fn two(world: &World, addresses: [&str; 2]) -> (Agent, [std::net::TcpListener; 2], Vec<String>) {
    let servers = addresses.map(listen);
    let [a, b] = [0, 1].map(|place: usize| servers[place].local_addr().unwrap());
    let agent = world.start();
    world.push(&agent, &target(1, checked(&[a, b], json!({})))).await.unwrap();
    let both = vec![format!("{a} 3"), format!("{b} 3")];
    rows_become(world, "both in the table", &both).await;
    until(&agent, "both verdicts", |s| s.checking.as_ref().is_some_and(|c| c.up == 2)).await;
    (agent, servers, both)
}

/// While something is lacking: it is said, several rounds of checks change nothing, and afterwards it is over.
async fn is_told_and_changes_nothing(
    world: &World,
    agent: &Agent,
    (lacking, held): (Trouble, impl Sized),
    servers: [SocketAddr; 2],
    both: &[String],
) {
    let troubled = |wanted: u32| {
        move |status: &lvs::wire::Status| {
            status.checking.as_ref().is_some_and(|c| c.troubled.get(&lacking).copied().unwrap_or(0) == wanted)
        }
    };
    until(agent, "it is said of both", troubled(2)).await;
    for server in servers {
        let tried = |status: &CheckStatus| {
            let recent = status.checks[0].recent.iter();
            recent.filter(|one| one.trouble == Some(lacking)).count()
        };
        loop {
            let now = status(world, agent, server).await;
            assert_eq!((now.verdict, now.checks[0].failure.as_ref()), (Verdict::Up, None));
            if tried(&now) >= 5 {
                assert!(now.checks[0].trouble.is_some(), "the evidence says what is wrong");
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert_eq!(rows(world), both, "no row has gone");
    drop(held);
    until(agent, "all is well again", troubled(0)).await;
}

#[tokio::test]
async fn without_descriptors_nothing_goes_down() {
    if !apart("without_descriptors_nothing_goes_down", &[]) {
        return;
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(400), maximum: Some(400) }).unwrap();
    let world = slow();
    let (agent, servers, both) = two(&world, ["127.0.0.1:0", "127.0.0.2:0"]).await;
    let addresses = servers.each_ref().map(|server| server.local_addr().unwrap());
    let mut held = Vec::new();
    // A probe that ends just then gives one back: until there is none several times in a row.
    let mut none = 0;
    while none < 50 {
        match File::open("/dev/null") {
            Ok(file) => held.push(file),
            Err(_) => {
                none += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
    is_told_and_changes_nothing(&world, &agent, (Trouble::Descriptors, held), addresses, &both).await;
    let [one, _two] = servers;
    drop(one);
    rows_become(&world, "a server that fails leaves", &both[1..]).await;
    agent.stop(false).await;
}

#[tokio::test]
async fn without_ports_nothing_goes_down() {
    // A network of its own, in which ports can be few.
    let network = ["unshare", "--map-root-user", "--net"];
    let few = "echo 50000 50063 > /proc/sys/net/ipv4/ip_local_port_range";
    let may = Command::new(network[0]).args(&network[1..]).args(["sh", "-c", few]).status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("NOT TESTED: without unshare(1), or the right to it, ports cannot be made few");
        return;
    }
    if !apart("without_ports_nothing_goes_down", &network) {
        return;
    }
    kernel::Links::switch(&mut kernel::LinuxKernel::without_ipvs().unwrap(), "lo", true).unwrap();
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "50000 50063").unwrap();
    let world = slow();
    let (agent, servers, both) = two(&world, ["127.0.0.1:80", "127.0.0.2:81"]).await;
    let addresses = servers.each_ref().map(|server| server.local_addr().unwrap());
    let mut held = Vec::new();
    for address in addresses {
        let mut none = 0;
        while none < 50 {
            match TcpStream::connect(address) {
                Ok(stream) => {
                    // What is closed is free at once.
                    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                    held.push(stream);
                }
                Err(_) => {
                    none += 1;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }
    is_told_and_changes_nothing(&world, &agent, (Trouble::SourceAddress, held), addresses, &both).await;
    let [one, _two] = servers;
    drop(one);
    rows_become(&world, "a server that fails leaves", &both[1..]).await;
    agent.stop(false).await;
}
