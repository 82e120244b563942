//! The product's own processes, started the way an administrator starts them: `caribe serve`, `caribe agent`,
//! `caribe agent join`, `caribe passwd`, `caribe token create`, `caribe check`. Secrets go in by standard input.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::api::Api;
use crate::https::{Client, Trust};
use crate::process::{self, Background, Finished, Signal};

/// How long a program may take to start or stop; generous, because under emulation everything is slow.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program to run in a network namespace, or in the one we are in.
#[derive(Clone, Debug)]
pub struct Program {
    /// The `caribe` binary.
    pub binary: PathBuf,
    /// The namespace's name, where it is not ours.
    pub namespace: Option<String>,
}

impl Program {
    /// The same program in a namespace.
    pub fn in_namespace(&self, name: &str) -> Program {
        Program { binary: self.binary.clone(), namespace: Some(name.to_owned()) }
    }

    /// A command that runs it with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match &self.namespace {
            None => Command::new(&self.binary),
            Some(name) => {
                let mut command = process::command(["ip", "netns", "exec", name]);
                command.arg(&self.binary);
                command
            }
        };
        command.args(arguments);
        // Settings of the machine must not reach a test.
        command.env("CARIBE_CONFIG", "/dev/null");
        command
    }

    /// Runs it to its end, whatever the end.
    pub fn finish(&self, arguments: &[&str], input: &str) -> Result<Finished> {
        process::finish(self.command(arguments), input.as_bytes())
    }

    /// Runs it to an end that must be good, and returns what it printed.
    pub fn run(&self, arguments: &[&str], input: &str) -> Result<String> {
        let finished = self.finish(arguments, input)?;
        if !finished.status.success() {
            let words = arguments.iter().take(2).copied().collect::<Vec<_>>().join(" ");
            bail!("caribe {words}: {}: {}", finished.status, finished.said());
        }
        Ok(finished.stdout)
    }

    /// Reads a configuration file with `caribe check --json` and returns the cluster in the form the API accepts.
    pub fn read_cluster(&self, file: &Path) -> Result<Value> {
        let finished = self.finish(&["check", "--json", &file.to_string_lossy()], "")?;
        let object: Value = serde_json::from_str(&finished.stdout)
            .with_context(|| format!("caribe check printed no JSON: {}", finished.said()))?;
        match object.get("cluster") {
            Some(cluster) if cluster.is_object() && finished.status.success() => Ok(cluster.clone()),
            _ => bail!("caribe check did not take the file: {}", finished.said()),
        }
    }
}

/// A running console.
pub struct Console {
    /// How to start another program beside it.
    pub program: Program,
    /// Its folder.
    pub data: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
    /// Fingerprint of the internal CA, for `agent join`.
    pub fingerprint: String,
    /// Fingerprint of the certificate that browsers see.
    pub certificate: String,
    more: Vec<String>,
    process: Background,
    log: PathBuf,
}

impl Console {
    /// Starts it and waits until it is ready.
    pub fn start(program: &Program, data: &Path, listen: SocketAddr, log: &Path) -> Result<Console> {
        Console::start_with(program, data, listen, log, &[])
    }

    /// The same with more arguments.
    pub fn start_with(
        program: &Program,
        data: &Path,
        listen: SocketAddr,
        log: &Path,
        more: &[&str],
    ) -> Result<Console> {
        let (folder, address) = (data.to_string_lossy(), listen.to_string());
        let arguments = [&["serve", "--data", &folder, "--listen", &address], more].concat();
        let mut process = Background::start("caribe serve", program.command(&arguments), log)?;
        let ready = || -> Result<(SocketAddr, String, String)> {
            let url = process.wait_for_word("listening", PATIENCE)?;
            let address = url.strip_prefix("https://").and_then(|text| text.parse().ok());
            Ok((
                address.with_context(|| format!("caribe serve listens on {url:?}"))?,
                process.wait_for_word("fingerprint", PATIENCE)?,
                process.wait_for_word("browser-certificate", PATIENCE)?,
            ))
        };
        let mut ready = ready;
        let (address, fingerprint, certificate) =
            ready().with_context(|| format!("its log: {}", last_lines(log, 10)))?;
        Ok(Console {
            program: program.clone(),
            data: data.to_owned(),
            address,
            fingerprint,
            certificate,
            more: more.iter().map(|&word| word.to_owned()).collect(),
            process,
            log: log.to_owned(),
        })
    }

    /// The one-time code of the first account, printed while there is none.
    pub fn setup_code(&mut self) -> Result<String> {
        self.process.wait_for_word("setup-code", PATIENCE)
    }

    /// Makes a token with `caribe token create`; none of the scopes: it may do everything.
    pub fn token(&self, name: &str, scopes: &[&str]) -> Result<String> {
        let data = self.data.to_string_lossy();
        let mut arguments = vec!["token", "create", "--data", &data, "--name", name];
        for scope in scopes {
            arguments.extend(["--scope", scope]);
        }
        let said = self.program.run(&arguments, "")?;
        said.lines().last().map(|line| line.trim().to_owned()).context("caribe token create printed nothing")
    }

    /// Creates or resets an account with `caribe passwd`.
    pub fn account(&self, user: &str, password: &str) -> Result<()> {
        let data = self.data.to_string_lossy();
        self.program.run(&["passwd", "--data", &data, user], &format!("{password}\n")).map(drop)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its API under a token that may do everything.
    pub fn api(&self, token: &str) -> Result<Api> {
        Ok(Api::new(self.client()?, token))
    }

    /// A client that knows its certificate.
    pub fn client(&self) -> Result<Client> {
        Client::new(self.address, Trust::Pinned(self.certificate.clone()), None, None)
    }

    /// `https://…` of its pages.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> Result<bool> {
        self.process.runs()
    }

    /// Asks it to end, and waits.
    pub fn stop(self) -> Result<ExitStatus> {
        self.process.stop(PATIENCE)
    }

    /// Ends it at once, as a crash would (`kill -9`).
    pub fn kill(self) -> Result<()> {
        self.process.kill()
    }

    /// What starts it again on the same folder and port, once it has ended.
    pub fn again(&self) -> impl FnOnce() -> Result<Console> + use<> {
        let (program, data, address, log, more) =
            (self.program.clone(), self.data.clone(), self.address, self.log.clone(), self.more.clone());
        move || {
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            Console::start_with(&program, &data, address, &log, &more)
        }
    }

    /// Ends it and starts it again on the same folder and port.
    pub fn restart(self) -> Result<Console> {
        let again = self.again();
        self.stop()?;
        again()
    }
}

/// A running director agent.
pub struct Agent {
    process: Background,
}

impl Agent {
    /// Enrols a director with `caribe agent join`; the token goes in by standard input.
    pub fn join(
        program: &Program,
        data: &Path,
        console: &str,
        token: &str,
        fingerprint: &str,
        listen: SocketAddr,
    ) -> Result<Finished> {
        let (data, listen) = (data.to_string_lossy(), listen.to_string());
        let arguments =
            ["agent", "join", console, "--token", "-", "--fingerprint", fingerprint, "--data", &data];
        program.finish(&[&arguments[..], &["--listen", &listen]].concat(), &format!("{token}\n"))
    }

    /// Starts it.
    pub fn start(program: &Program, data: &Path, listen: SocketAddr, log: &Path) -> Result<Agent> {
        let arguments = ["agent", "--data", &data.to_string_lossy(), "--listen", &listen.to_string()];
        Ok(Agent { process: Background::start("caribe agent", program.command(&arguments), log)? })
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> Result<bool> {
        self.process.runs()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.process.signal(signal)
    }

    /// Ends it at once, as a crash would (`kill -9`).
    pub fn kill(self) -> Result<()> {
        self.process.kill()
    }

    /// Asks it to end, and waits.
    pub fn stop(self) -> Result<ExitStatus> {
        self.process.stop(PATIENCE)
    }
}

/// The last lines of a file, on one line; for the report of a failure.
pub fn last_lines(file: &Path, count: usize) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join(" | ")
}
