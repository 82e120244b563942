//! A console started as a user starts it, and what is said to it from outside the program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod backup;
mod ctl;
mod readme;
mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const CARIBE: &str = env!("CARGO_BIN_EXE_caribe");

/// A console on a free port of loopback; ended with the test.
struct Console {
    program: Child,
    home: tempfile::TempDir,
    url: String,
    certificate: String,
    token: String,
}

impl Console {
    fn start() -> Console {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("console");
        Console::start_on(home, &data, None)
    }

    /// On a folder, with a token that is known there or a new one.
    fn start_on(home: tempfile::TempDir, data: &Path, token: Option<String>) -> Console {
        let mut program = Command::new(CARIBE)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(program.stdout.take().unwrap()).lines();
        let mut value = |word: &str| {
            let line = said.by_ref().map(Result::unwrap).find(|line| line.starts_with(word));
            line.unwrap().split_once(' ').unwrap().1.to_owned()
        };
        let (url, certificate) = (value("listening "), value("browser-certificate "));
        let token = token.unwrap_or_else(|| {
            let made = Command::new(CARIBE)
                .args(["token", "create", "--name", "ctl", "--data"])
                .arg(data)
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
            String::from_utf8(made.stdout).unwrap().trim().to_owned()
        });
        Console { program, home, url, certificate, token }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(CARIBE);
        command
            .arg("ctl")
            .args(words)
            .env_clear()
            .env("HOME", self.home.path())
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command; its exit code and what it printed.
    fn ctl(&self, words: &[&str]) -> (i32, String, String) {
        answer(self.command(words).output().unwrap())
    }

    /// A command that ends with this code; what it printed.
    fn ends(&self, code: i32, words: &[&str]) -> String {
        let (found, out, err) = self.ctl(words);
        assert_eq!(found, code, "{words:?}: {out}{err}");
        out
    }

    fn login(&self, words: &[&str], token: &str) -> (i32, String, String) {
        let mut program = self
            .command(&[&["login", &self.url], words].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        program.stdin.take().unwrap().write_all(format!("{token}\n").as_bytes()).unwrap();
        answer(program.wait_with_output().unwrap())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn answer(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}
