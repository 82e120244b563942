//! Probes against servers as a distribution brings them: nginx, PostgreSQL, Redis, dnsmasq. Each is started by the test
//! on a free port of loopback, with its data in a folder of its own, and ends with it.

use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::*;

/// The user and group that a server runs as which refuses to be root.
const NOBODY: u32 = 65_534;

/// A server and its folder; it ends with this.
struct Server {
    child: Child,
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    if rustix::process::geteuid().is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    folder
}

/// A program that comes with the package; `cargo xtask test` installs it.
fn program(name: &str) -> Command {
    let places = ["/usr/sbin", "/usr/bin"].map(PathBuf::from);
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin"));
    let found =
        places.into_iter().chain(versions).map(|folder| folder.join(name)).find(|file| file.is_file());
    Command::new(found.unwrap_or_else(|| panic!("{name} is not installed; cargo xtask test installs it")))
}

/// The same as somebody else than root.
fn as_nobody(command: Command) -> Command {
    if !rustix::process::geteuid().is_root() {
        return command;
    }
    let mut other = Command::new("setpriv");
    let id = NOBODY.to_string();
    other.arg("--reuid").arg(&id).arg("--regid").arg(&id).arg("--clear-groups");
    other.arg(command.get_program()).args(command.get_args());
    other
}

/// A port that is free now on both protocols.
fn free() -> SocketAddr {
    loop {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

fn start(mut command: Command, folder: tempfile::TempDir, address: SocketAddr) -> Server {
    let log = std::fs::File::create(folder.path().join("test.log")).unwrap();
    let child = command
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Server { child, folder, address }
}

impl Server {
    /// Asks again until it is up; what it says while it starts is another test's business.
    async fn up(&mut self, check: serde_json::Value) -> Answer {
        let began = Instant::now();
        loop {
            let answer = asked(self.address, check.clone()).await;
            if answer.outcome == UP {
                return answer;
            }
            let log = || std::fs::read_to_string(self.folder.path().join("test.log")).unwrap_or_default();
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {}", log());
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{:?} {:?}\n{}",
                answer.outcome,
                answer.detail,
                log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops it, and asks once more.
    async fn stopped(mut self, check: serde_json::Value) -> Answer {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        asked(self.address, check).await
    }
}

fn nginx(certificate: Option<(&str, &str)>) -> Server {
    let (folder, address) = (folder(), free());
    let secure = certificate.map_or_else(String::new, |(chain, key)| {
        std::fs::write(folder.path().join("chain.pem"), chain).unwrap();
        std::fs::write(folder.path().join("key.pem"), key).unwrap();
        "ssl_certificate chain.pem; ssl_certificate_key key.pem;".to_owned()
    });
    let ssl = if certificate.is_some() { " ssl" } else { "" };
    let settings = format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr;\n\
         events {{}}\n\
         http {{ access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d;\n\
         scgi_temp_path e;\n\
         server {{ listen {address}{ssl}; {secure}\n\
         location = /health {{ return 200 'all is well'; }}\n\
         location = /gone {{ return 503; }}\n\
         location = /old {{ return 301 /health; }} }} }}\n"
    );
    std::fs::write(folder.path().join("nginx.conf"), settings).unwrap();
    let mut command = program("nginx");
    command.arg("-p").arg(folder.path()).args(["-e", "stderr", "-c"]).arg(folder.path().join("nginx.conf"));
    start(command, folder, address)
}

#[tokio::test]
async fn nginx_is_judged_by_its_pages() {
    let mut server = nginx(None);
    let page = |path: &str| json!({"kind": "http", "path": path, "body": {"text": "all is well"}});
    let answer = server.up(page("/health")).await;
    assert!(answer.marks.received.starts_with(b"HTTP/1.1 200 OK\r\nServer: nginx"), "{answer:?}");
    let address = server.address;
    assert_eq!(failed(&asked(address, page("/gone")).await), &Failure::Status { code: 503 });
    assert_eq!(failed(&asked(address, page("/old")).await), &Failure::Status { code: 301 });
    let other = json!({"kind": "http", "path": "/health", "body": {"text": "maintenance"}});
    assert_eq!(failed(&asked(address, other).await), &Failure::Mismatch);
    let secure = json!({"kind": "tls"});
    assert!(matches!(failed(&asked(address, secure).await), Failure::Tls { reason: TlsFailure::NotTls }));
    assert_eq!(failed(&server.stopped(page("/health")).await), &Failure::Refused);
}

#[tokio::test]
async fn nginx_with_a_certificate_that_nobody_vouches_for_is_down_unless_that_is_switched_off() {
    let own = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
    let mut server = nginx(Some((&own.cert.pem(), &own.signing_key.serialize_pem())));
    let page = |verify: bool| json!({"kind": "http", "path": "/health", "host": "a.example", "tls": {"verify": verify}});
    let answer = server.up(page(false)).await;
    assert!(answer.marks.tls.is_some() && answer.marks.certificate_ends_s.is_some(), "{answer:?}");
    let answer = asked(server.address, page(true)).await;
    assert_eq!(failed(&answer), &Failure::Tls { reason: TlsFailure::Untrusted });
    // Plain words to a port that wants TLS are answered by nginx, with what it thinks of them.
    let plain = asked(server.address, json!({"kind": "http", "path": "/health"})).await;
    assert_eq!(failed(&plain), &Failure::Status { code: 400 });
}

/// A database of its own, with this line of access rules.
fn postgres(rule: &str) -> Server {
    let (folder, address) = (folder(), free());
    let data = folder.path().join("data");
    let mut initdb = program("initdb");
    initdb.arg("-D").arg(&data).args([
        "-U",
        "owner",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
    ]);
    let made = as_nobody(initdb).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(data.join("pg_hba.conf"), format!("{rule}\n")).unwrap();
    let mut command = program("postgres");
    command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "-F"]);
    command.arg("-k").arg(folder.path());
    start(as_nobody(command), folder, address)
}

#[tokio::test]
async fn postgresql_is_up_where_it_answers_whoever_asks() {
    // It wants a password of us, and that is an answer.
    let mut server = postgres("host all all 127.0.0.1/32 scram-sha-256");
    let check = json!({"kind": "postgres"});
    let answer = server.up(check.clone()).await;
    assert!(answer.marks.connect.is_some(), "{answer:?}");
    let wrong = asked(server.address, json!({"kind": "mysql"})).await;
    assert!(matches!(wrong.outcome, Outcome::Down(_)), "it is no MySQL: {wrong:?}");
    assert_eq!(failed(&server.stopped(check).await), &Failure::Refused);
}

#[tokio::test]
async fn redis_is_up_while_it_may_be_written_to_by_somebody() {
    let (folder, address) = (folder(), free());
    let mut command = program("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--requirepass", "secret", "--port"]);
    command.arg(address.port().to_string()).arg("--dir").arg(folder.path());
    let mut server = start(command, folder, address);
    let check = json!({"kind": "redis"});
    let answer = server.up(check.clone()).await;
    assert!(
        answer.marks.received.starts_with(b"-NOAUTH"),
        "it wants a password, and that is an answer: {answer:?}"
    );
    assert_eq!(failed(&server.stopped(check).await), &Failure::Refused);
}

#[tokio::test]
async fn dnsmasq_is_judged_by_what_it_answers() {
    let (folder, address) = (folder(), free());
    let mut command = program("dnsmasq");
    command.args([
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--bind-interfaces",
    ]);
    command.args([
        "--listen-address=127.0.0.1",
        "--pid-file=",
        "--user=",
        "--address=/shop.example/192.0.2.7",
    ]);
    command.arg(format!("--port={}", address.port()));
    let mut server = start(command, folder, address);
    let asks = |name: &str, wanted: Option<&str>| json!({"kind": "dns", "name": name, "record": "A", "answer": wanted});
    server.up(asks("shop.example", Some("192.0.2.7"))).await;
    let other = asked(server.address, asks("shop.example", Some("192.0.2.8"))).await;
    assert_eq!(failed(&other), &Failure::Dns { reason: DnsFailure::Answer });
    // It knows nobody to ask further: REFUSED.
    let unknown = asked(server.address, asks("other.example", None)).await;
    assert_eq!(failed(&unknown), &Failure::Dns { reason: DnsFailure::Code { code: 5 } });
    let gone = server.stopped(asks("shop.example", None)).await;
    assert_eq!(failed(&gone), &Failure::Refused);
}
