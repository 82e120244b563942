//! Servers as the distribution brings them, started on a machine of the lab with settings of their own: nginx with
//! certificates made for it, PostgreSQL, Redis, dnsmasq. Each ends with the value that holds it.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use testkit::process::{self, Background};

use crate::network;
use crate::odd::NOBODY;
use crate::stage::{PATIENCE, Stage};

/// A certificate with its key, both PEM.
pub(crate) struct Identity {
    certificate: String,
    key: String,
}

/// Certificates of web servers.
pub(crate) struct Certificates {
    /// Whom checks trust, PEM.
    pub(crate) authority: String,
    /// Good, for the name that is asked for.
    pub(crate) good: Identity,
    /// Signed by the same authority, for another name.
    pub(crate) other: Identity,
    /// For the right name, signed by itself.
    pub(crate) own: Identity,
}

impl Certificates {
    /// New ones; `name` is the right name.
    pub(crate) fn make(name: &str, another: &str) -> Result<Certificates> {
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Not the name that certificates get by themselves: one that signed itself would seem to be this one's.
        parameters.distinguished_name.push(DnType::CommonName, "the lab's authority");
        let authority = parameters.self_signed(&key)?.pem();
        let issuer = Issuer::new(parameters, key);
        let signed = |name: &str| -> Result<Identity> {
            let key = KeyPair::generate()?;
            let certificate = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &issuer)?;
            Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
        };
        let own = rcgen::generate_simple_self_signed(vec![name.to_owned()])?;
        Ok(Certificates {
            good: signed(name)?,
            other: signed(another)?,
            own: Identity { certificate: own.cert.pem(), key: own.signing_key.serialize_pem() },
            authority,
        })
    }
}

/// A web server for these addresses and ports; those with an identity speak TLS. `/` answers with `nginx`.
pub(crate) fn nginx(stage: &Stage, machine: &str, sites: &[(&str, Option<&Identity>)]) -> Result<Background> {
    let folder = folder(stage, "nginx")?;
    let mut servers = String::new();
    for (number, (listen, identity)) in sites.iter().enumerate() {
        let secure = match identity {
            None => String::new(),
            Some(identity) => {
                std::fs::write(folder.join(format!("{number}.crt")), &identity.certificate)?;
                std::fs::write(folder.join(format!("{number}.key")), &identity.key)?;
                format!("ssl_certificate {number}.crt; ssl_certificate_key {number}.key;")
            }
        };
        let ssl = if identity.is_some() { " ssl" } else { "" };
        servers.push_str(&format!(
            "server {{ listen {listen}{ssl}; {secure} location = / {{ return 200 nginx; }}\n\
             location = /gone {{ return 503; }} }}\n"
        ));
    }
    let settings = format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr;\nevents {{}}\n\
         http {{ access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c;\n\
         uwsgi_temp_path d; scgi_temp_path e;\n{servers}}}\n"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, settings)?;
    let mut command = network::within(machine, &["nginx", "-e", "stderr", "-p"]);
    command.arg(&folder).arg("-c").arg(&file);
    Background::start("nginx", command, &stage.log("nginx"))
}

/// A database that is being made, which takes a while under emulation.
pub(crate) struct Database {
    folder: PathBuf,
    making: Option<Background>,
}

impl Database {
    /// Begins to make one.
    pub(crate) fn make(stage: &Stage) -> Result<Database> {
        let folder = folder(stage, "postgres")?;
        let data = folder.join("data");
        let mut command = as_nobody(stage, "rs1", "initdb", &folder)?;
        command.arg("-D").arg(&data).args(["-U", "owner", "-A", "trust", "-E", "UTF8", "--no-locale"]);
        command.args(["--no-sync", "--wal-segsize=1"]);
        let making = Background::start("initdb", command, &stage.log("initdb"))?;
        Ok(Database { folder, making: Some(making) })
    }

    /// Starts its server once it is made. It wants a password of everybody.
    pub(crate) fn start(&mut self, stage: &Stage, machine: &str, address: &str) -> Result<Background> {
        let data = self.folder.join("data");
        if let Some(mut making) = self.making.take() {
            testkit::wait::until_true("initdb to end", PATIENCE, || Ok(!making.runs()?))?;
            if !data.join("PG_VERSION").exists() {
                bail!("initdb made no database: {}", testkit::caribe::last_lines(&stage.log("initdb"), 10));
            }
            std::fs::write(data.join("pg_hba.conf"), "host all all 10.0.0.0/16 scram-sha-256\n")?;
        }
        let mut command = as_nobody(stage, machine, "postgres", &self.folder)?;
        command.arg("-D").arg(&data).args(["-h", address, "-p", "5432", "-F", "-k"]).arg(&self.folder);
        command.args(["-c", "shared_buffers=8MB", "-c", "max_connections=10"]);
        Background::start("postgres", command, &stage.log("postgres"))
    }
}

/// A cache that wants a password.
pub(crate) fn redis(stage: &Stage, machine: &str, address: &str) -> Result<Background> {
    let words =
        ["redis-server", "--bind", address, "--port", "6379", "--save", "", "--requirepass", "secret"];
    let mut command = network::within(machine, &words);
    command.arg("--dir").arg(folder(stage, "redis")?);
    Background::start("redis", command, &stage.log("redis"))
}

/// A name server that knows one name.
pub(crate) fn dnsmasq(stage: &Stage, machine: &str, address: &str, knows: &str) -> Result<Background> {
    let listen = format!("--listen-address={address}");
    let knows = format!("--address={knows}");
    let words = [
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--bind-interfaces",
        "--pid-file=",
        "--user=",
        "--log-facility=-",
        &listen,
        &knows,
    ];
    Background::start("dnsmasq", network::within(machine, &words), &stage.log("dnsmasq"))
}

/// An empty folder that anybody may go through and nobody owns.
fn folder(stage: &Stage, name: &str) -> Result<PathBuf> {
    let folder = stage.data(name);
    std::fs::create_dir_all(&folder)?;
    chown(&folder, Some(NOBODY), Some(NOBODY))?;
    Ok(folder)
}

/// A program of PostgreSQL, which refuses to be root, in a folder that it may read.
fn as_nobody(stage: &Stage, machine: &str, program: &str, folder: &Path) -> Result<Command> {
    let place = postgres(program)?;
    let mut command = stage.lab(machine, &["as-nobody", &place.to_string_lossy()]);
    command.current_dir(folder);
    Ok(command)
}

/// Where a program of PostgreSQL is, of the newest version.
fn postgres(program: &str) -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").context("PostgreSQL is not installed")?;
    let found = versions.flatten().map(|version| version.path().join("bin").join(program));
    found.filter(|file| file.is_file()).max().with_context(|| format!("there is no {program}"))
}

/// Ends a server as its own service would, and waits for it.
pub(crate) fn stop(server: Background) -> Result<()> {
    server.signal(process::Signal::INT)?;
    server.stop(PATIENCE).map(drop)
}
