//! The playbooks of `ansible/`, run by a real Ansible against a console with two directors.

use std::path::{Path, PathBuf};
use std::process::Command;

use kernel::Kernel as _;
use serde_json::{Value, json};

use super::{CLUSTER, Member, Place, eventually, small};

/// How a playbook ended, and all that it printed.
struct Played {
    good: bool,
    said: String,
}

impl Played {
    /// Refuses one that failed; how many of its tasks changed something.
    fn changed(self) -> u32 {
        assert!(self.good, "{}", self.said);
        let recap = self.said.lines().rfind(|line| line.contains("unreachable=")).expect("a recap");
        let count = recap.split_whitespace().find_map(|word| word.strip_prefix("changed="));
        count.and_then(|count| count.parse().ok()).expect(recap)
    }
}

impl Place {
    /// Runs a playbook with these variables beside the console's own.
    async fn play(&self, playbook: &str, words: &[&str], variables: &Value) -> Played {
        let folder = self.folder.path();
        let mut all = json!({
            "caribe_url": format!("https://localhost:{}", self.address.port()),
            "caribe_token": self.token,
            "caribe_ca": folder.join("console/pki/web.pem"),
        });
        all.as_object_mut().unwrap().extend(variables.as_object().unwrap().clone());
        let file = folder.join("variables.json");
        std::fs::write(&file, all.to_string()).unwrap();
        let ansible = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ansible");
        let mut command = Command::new("ansible-playbook");
        command
            .current_dir(ansible)
            .arg(playbook)
            .args(words)
            .args(["-vvv", "--extra-vars", &format!("@{}", file.display())])
            .env("HOME", folder)
            .env("LC_ALL", "C.UTF-8")
            .env("ANSIBLE_NOCOLOR", "1");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let said = said.concat();
        assert!(!said.contains(&self.token), "the token is shown:\n{said}");
        Played { good: output.status.success(), said }
    }
}

/// Scheduler and weights in a director's kernel.
fn table(member: &Member) -> (String, Vec<u32>) {
    let table = member.kernel.clone().observe(&Default::default()).unwrap().table;
    let service = table.services.values().next().expect("the service");
    (service.row.scheduler.to_string(), service.servers.values().map(|row| row.weight).collect())
}

fn missing() -> bool {
    if Command::new("ansible-playbook").arg("--version").output().is_ok() {
        return false;
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "ansible-playbook is not installed");
    eprintln!("SKIPPED: ansible-playbook is not installed, so no playbook was run");
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_makes_a_cluster_so_once_and_says_what_is_refused() {
    if missing() {
        return;
    }
    let place = Place::new().await;
    let members = place.pair().await;
    let of = |content: &Value| json!({ "caribe_cluster": content });
    let mut content = small();
    assert_eq!(place.play("cluster.yml", &[], &of(&content)).await.changed(), 0, "it is so already");

    content["virtual_servers"][0]["scheduler"] = json!("wrr");
    let rehearsed = place.play("cluster.yml", &["--check"], &of(&content)).await;
    assert!(rehearsed.said.contains("-E -t 192.0.2.10:80 -s wrr"), "{}", rehearsed.said);
    assert_eq!(rehearsed.changed(), 1);
    let before = members.iter().map(|member| table(member).0);
    assert!(before.into_iter().all(|scheduler| scheduler != "wrr"), "a rehearsal changes nothing");
    assert_eq!(place.play("cluster.yml", &[], &of(&content)).await.changed(), 1);
    let told = async || members.iter().all(|member| table(member).0 == "wrr");
    eventually("both kernels were told", told).await;
    assert_eq!(place.play("cluster.yml", &[], &of(&content)).await.changed(), 0);

    content["virtual_servers"][0]["port"] = json!(70_000);
    let refused = place.play("cluster.yml", &[], &of(&content)).await;
    assert!(!refused.good && refused.said.contains("/virtual_servers/0/port: "), "{}", refused.said);

    let mut new = small();
    new["name"] = json!("second shop");
    new["virtual_servers"] = json!([]);
    let partial = json!({ "caribe_cluster": new, "caribe_partial": true });
    assert_eq!(place.play("cluster.yml", &[], &partial).await.changed(), 1, "it was not there");
    assert_eq!(place.play("cluster.yml", &[], &partial).await.changed(), 0);
    place.end(members).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_updates_a_server_that_nobody_is_sent_to_meanwhile() {
    if missing() {
        return;
    }
    let place = Place::new().await;
    let members = place.pair().await;
    let weights = || members.iter().map(|member| table(member).1).collect::<Vec<_>>();
    let file = |name: &str| -> PathBuf { place.folder.path().join(name) };
    let hosts = file("hosts");
    std::fs::write(&hosts, "[web]\none ansible_host=10.0.0.11 ansible_connection=local\n").unwrap();
    let (begun, goes_on) = (file("begun"), file("goes-on"));
    let wait =
        format!("touch {0}; while [ ! -e {1} ]; do sleep 0.1; done", begun.display(), goes_on.display());
    std::fs::write(file("update"), wait).unwrap();
    let update = json!({
        "caribe_cluster_name": CLUSTER, "update_command": format!("sh {}", file("update").display()),
    });
    let words = ["--inventory", hosts.to_str().unwrap()];
    let meanwhile = async {
        eventually("the update begins", async || begun.exists()).await;
        assert_eq!(weights(), [[0], [0]], "nobody is sent to it");
        std::fs::write(&goes_on, "").unwrap();
    };
    let mut play = Box::pin(place.play("rolling-update.yml", &words, &update));
    tokio::select! {
        played = &mut play => panic!("it ended before the update:\n{}", played.said),
        () = meanwhile => {}
    }
    assert_eq!(play.await.changed(), 3, "drained, updated, taken back");
    eventually("it serves again", async || weights() == [[1], [1]]).await;

    let nowhere = json!({ "caribe_cluster_name": CLUSTER, "caribe_address": "203.0.113.77" });
    let refused = place.play("rolling-update.yml", &words, &nowhere).await;
    assert!(!refused.good && refused.said.contains("203.0.113.77"), "{}", refused.said);
    place.end(members).await;
}
