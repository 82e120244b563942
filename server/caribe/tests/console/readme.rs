//! The script of the README that makes a cluster with curl alone, run as it stands there.

use std::path::Path;
use std::process::Command;

use serde_json::{Deserializer, Value};

use crate::{CARIBE, Console};

const PLACE: &str = "CONSOLE=https://localhost:3636 DATA=/var/lib/caribe/console";

fn script() -> &'static str {
    let text = include_str!("../../../../README.md");
    let after = text.split("with curl alone").nth(1).expect("the section about curl");
    let block = after.split("```sh\n").nth(1).unwrap();
    block.split("```").next().unwrap()
}

#[test]
fn the_script_of_the_readme_makes_a_cluster() {
    if Command::new("curl").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "curl is not installed");
        eprintln!("SKIPPED: curl is not installed, so the script of the README was not run");
        return;
    }
    let console = Console::start();
    assert!(script().contains(PLACE), "{}", script());
    let address = console.url.replace("127.0.0.1", "localhost");
    let here = format!("CONSOLE={address} DATA={}", console.home.path().join("console").display());
    let program = Path::new(CARIBE).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &script().replace(PLACE, &here)])
        .env("PATH", path)
        .output()
        .expect("sh is there");
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{wrong}");

    let answers: Vec<Value> =
        Deserializer::from_str(&said).into_iter::<Value>().map(Result::unwrap).collect();
    let scheduler = answers.iter().find(|answer| answer["scheduler"] == "rr").expect("the change");
    assert_eq!(scheduler["activation"]["revision"], 2, "{scheduler}");
    let plan = answers.iter().find(|answer| answer["plan"].is_object()).expect("the plan");
    assert!(plan["plan"]["directors"][0]["steps"].to_string().contains("10.0.0.11"), "{plan}");
    let joining = answers.iter().find(|answer| answer["command"].is_string()).expect("the command");
    assert!(joining["command"].as_str().unwrap().starts_with("caribe agent join https://localhost:"));
    let events = answers.last().unwrap();
    assert_eq!(events["items"][0]["kind"], "ordered", "{events}");
}
