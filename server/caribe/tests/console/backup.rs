//! A console is lost, and goes on elsewhere from its backup: the same CA, clusters and tokens.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;

use crate::{CARIBE, Console, answer};

/// Runs the program, without an environment that could hold settings.
fn caribe(words: &[&str]) -> (i32, String, String) {
    answer(std::process::Command::new(CARIBE).args(words).env_clear().stdin(Stdio::null()).output().unwrap())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[test]
fn a_lost_console_goes_on_from_its_backup_in_another_folder() {
    let console = Console::start();
    let home = tempfile::tempdir().unwrap();
    let secret = home.path().join("passphrase");
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&secret).unwrap();
    file.write_all(b"correct horse battery staple\n").unwrap();
    assert_eq!(console.login(&["--certificate", &console.certificate], &console.token).0, 0);
    let piranha = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures/scenario-a.cf");
    console.ends(0, &["import", &text(&piranha), "--name", "shop"]);

    let (data, secret) = (text(&console.home.path().join("console")), text(&secret));
    let backup = text(&home.path().join("console.backup"));
    let words = ["backup", "--data", &data, "--passphrase-file", &secret, &backup];
    let (code, out, err) = caribe(&words);
    assert!(code == 0 && out.contains("bytes"), "{out}{err}");
    assert_eq!(caribe(&words).0, 1, "a file is never written over");
    let token = console.token.clone();
    drop(console);

    let elsewhere = home.path().join("elsewhere");
    let with = |more: &[&str]| {
        let to = text(&elsewhere);
        let words = ["restore", "--data", &to, "--passphrase-file", &secret];
        caribe(&[&words[..], more, &[&backup]].concat())
    };
    let (code, out, err) = with(&["--dry-run"]);
    assert!(code == 0 && out.contains("cluster     shop"), "{out}{err}");
    assert!(!elsewhere.exists(), "looking changes nothing");
    let (code, out, err) = with(&[]);
    assert!(code == 0 && out.contains("restored into"), "{out}{err}");
    let (code, _, err) = with(&[]);
    assert!(code == 1 && err.contains("is not empty"), "{err}");

    let again = Console::start_on(tempfile::tempdir().unwrap(), &elsewhere, Some(token));
    assert_eq!(again.login(&["--certificate", &again.certificate], &again.token).0, 0);
    assert!(again.ends(0, &["get", "shop", "-o", "json"]).contains("192.168.1.250"));
}
