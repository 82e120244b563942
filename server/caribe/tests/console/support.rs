//! `caribe support-bundle` beside a running console, for an agent's folder, and where there is neither.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::{CARIBE, Console, answer};

fn bundle(words: &[&str]) -> (i32, String, String) {
    let mut command = std::process::Command::new(CARIBE);
    command.arg("support-bundle").args(words).env_clear().stdin(Stdio::null());
    answer(command.output().unwrap())
}

#[test]
fn a_bundle_is_written_of_whatever_is_in_a_folder() {
    let console = Console::start();
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    let (file, data) =
        (path("one.tar.gz"), console.home.path().join("console").to_string_lossy().into_owned());
    let words = ["--data", &data, "--output", &file];
    let (code, out, err) = bundle(&words);
    assert!(code == 0 && out.contains("one.tar.gz: ") && out.contains("MANIFEST"), "{out}{err}");
    let content = std::fs::read(&file).unwrap();
    assert!(content.starts_with(&[0x1f, 0x8b]) && content.len() > 500, "{} bytes", content.len());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(bundle(&words).0, 1, "a file is never written over");

    // An agent that does not run, into a folder, under a name that says what it is.
    let agent = path("agent");
    std::fs::create_dir(&agent).unwrap();
    std::fs::write(format!("{agent}/ownership.json"), r#"{"services":[],"addresses":[],"borrowed":[]}"#)
        .unwrap();
    let into = path("into");
    std::fs::create_dir(&into).unwrap();
    let (code, out, err) = bundle(&["--data", &agent, "--output", &into]);
    assert!(code == 0 && out.contains("/caribe-support-agent-"), "{out}{err}");
    assert_eq!(std::fs::read_dir(&into).unwrap().count(), 1);

    let (code, _, err) = bundle(&["--data", &into]);
    assert!(code == 1 && err.contains("no console and no agent in") && err.contains("--data"), "{err}");
    assert_eq!(std::fs::read_dir(&into).unwrap().count(), 1, "nothing is made where there is nothing");
}
