//! Probes against servers of this test on loopback: good ones, and each way of being bad.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lvs::health::{DnsFailure, Failure, Outcome, Phase, ProgramFailure, TlsFailure, Trouble};
use lvs::model::{Check, Protocol};
use serde_json::json;

use super::{Answer, Asking, Doorstep, Prepared, Programs, Question, Way, ask, prepare};

mod distribution;
mod secure;

/// The time a probe of these tests has, unless it is about time.
const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(300);

/// Asks; nothing here goes through the data path.
async fn put_to(question: &Question) -> Answer {
    ask(question, &Doorstep::default()).await
}

fn question_of(target: SocketAddr, asked: Prepared, timeout: Duration) -> Question {
    Question { target, way: Way::default(), timeout, asked: Arc::new(asked), through: None }
}

fn question(target: SocketAddr, check: serde_json::Value, timeout: Duration) -> Question {
    let check: Check = serde_json::from_value(check).unwrap();
    let programs = Arc::new(Programs::default());
    let asking = Asking { protocol: Protocol::Tcp, programs: &programs };
    question_of(target, prepare(&check.question, &asking), timeout)
}

async fn asked(target: SocketAddr, check: serde_json::Value) -> Answer {
    put_to(&question(target, check, LONG)).await
}

/// A server that does this with each connection.
fn server(what: impl Fn(std::net::TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let what = Arc::new(what);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let what = Arc::clone(&what);
            std::thread::spawn(move || what(stream));
        }
    });
    address
}

/// One that reads a request and then says this.
fn says(answer: &'static [u8]) -> SocketAddr {
    server(move |mut stream| {
        let mut request = [0; 1024];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(answer);
    })
}

/// One that says this at once, then listens on until the other side goes.
fn greets(greeting: &'static [u8]) -> SocketAddr {
    server(move |mut stream| {
        let _ = stream.write_all(greeting);
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

/// A port where nobody listens.
fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

const UP: Outcome = Outcome::Up { load: None };

#[track_caller]
fn failed(answer: &Answer) -> &Failure {
    match &answer.outcome {
        Outcome::Down(failure) => failure,
        other => panic!("{other:?} {:?}", answer.detail),
    }
}

#[tokio::test]
async fn a_connection_is_taken_refused_or_never_answered() {
    let address = greets(b"");
    let answer = asked(address, json!({"kind": "connect"})).await;
    assert_eq!(answer.outcome, UP, "{:?}", answer.detail);
    assert!(answer.marks.connect.is_some() && answer.marks.source.unwrap().ip() == address.ip());
    assert_eq!(failed(&asked(closed(), json!({"kind": "connect"})).await), &Failure::Refused);
    // A listener whose queue is full drops what comes.
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let full = listener.local_addr().unwrap().as_socket().unwrap();
    let _held: Vec<_> =
        (0..4).map(|_| std::net::TcpStream::connect_timeout(&full, Duration::from_millis(50))).collect();
    let began = Instant::now();
    let answer = put_to(&question(full, json!({"kind": "connect"}), SHORT)).await;
    assert_eq!(failed(&answer), &Failure::TimedOut { phase: Phase::Connect });
    assert!(began.elapsed() < SHORT * 5, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_text_is_sent_and_its_answer_compared() {
    let echo = server(|mut stream| {
        let mut part = [0; 64];
        while let Ok(count @ 1..) = stream.read(&mut part) {
            let _ = stream.write_all(&part[..count]);
        }
    });
    let check = |expect: &str, matching: &str| json!({"kind": "send-expect", "send": "hello\\r\\n", "expect": expect, "matching": matching});
    let answer = asked(echo, check("hell", "prefix")).await;
    assert_eq!(answer.outcome, UP);
    assert_eq!(
        (answer.marks.sent.as_slice(), answer.marks.received.as_slice()),
        (b"hello\r\n".as_slice(), b"hello\r\n".as_slice())
    );
    assert!(answer.marks.first_byte.is_some());
    assert_eq!(asked(echo, check("^h.llo\\s", "regex")).await.outcome, UP);
    assert_eq!(failed(&asked(echo, check("goodbye", "prefix")).await), &Failure::Mismatch);
    let never = put_to(&question(echo, check("hello\\r\\nmore", "prefix"), SHORT)).await;
    assert_eq!(failed(&never), &Failure::TimedOut { phase: Phase::Total });
    let wrong = asked(echo, check("(", "regex")).await;
    assert_eq!(wrong.outcome, Outcome::Undecided(Trouble::NotPossibleHere), "a wrong setting is no verdict");
    assert!(wrong.detail.is_some());
}

#[tokio::test]
async fn a_server_that_drips_a_byte_at_a_time_runs_out_of_the_whole_time() {
    let drips = server(|mut stream| {
        let mut request = [0; 1024];
        let _ = stream.read(&mut request);
        for byte in b"HTTP/1.1 200 OK\r\n\r\n".iter().cycle() {
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    for check in
        [json!({"kind": "http"}), json!({"kind": "send-expect", "send": "x", "expect": "HTTP/1.1 200 OK"})]
    {
        let began = Instant::now();
        let answer = put_to(&question(drips, check, Duration::from_millis(500))).await;
        assert_eq!(failed(&answer), &Failure::TimedOut { phase: Phase::Total });
        assert!(began.elapsed() < Duration::from_secs(2));
        assert!(!answer.marks.received.is_empty(), "what came is kept");
    }
}

#[tokio::test]
async fn hangs_resets_and_early_ends_are_told_apart() {
    let hangs = greets(b"");
    let answer = put_to(&question(hangs, json!({"kind": "http"}), SHORT)).await;
    assert_eq!(failed(&answer), &Failure::TimedOut { phase: Phase::FirstByte });
    let resets = server(|mut stream| {
        let _ = stream.read(&mut [0; 4]);
        let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    });
    assert_eq!(failed(&asked(resets, json!({"kind": "http"})).await), &Failure::Reset);
    let ends = says(b"");
    assert_eq!(failed(&asked(ends, json!({"kind": "http"})).await), &Failure::ClosedEarly);
    let expects = json!({"kind": "send-expect", "send": "x", "expect": "y"});
    assert_eq!(failed(&asked(ends, expects).await), &Failure::ClosedEarly);
    assert_eq!(failed(&asked(says(b"SSH-2.0-x\r\n"), json!({"kind": "http"})).await), &Failure::Protocol);
}

#[tokio::test]
async fn a_page_is_judged_by_status_and_body() {
    let address = says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let http = |check: serde_json::Value| {
        let mut check = check;
        check["kind"] = json!("http");
        check
    };
    let answer =
        asked(address, http(json!({"path": "/up?x=1", "host": "a.example", "version": "1.0"}))).await;
    assert_eq!(answer.outcome, UP, "{:?}", answer.detail);
    let sent = String::from_utf8(answer.marks.sent).unwrap();
    assert!(sent.starts_with("GET /up?x=1 HTTP/1.0\r\n") && sent.contains("host: a.example\r\n"), "{sent}");
    assert_eq!(asked(address, http(json!({"body": {"text": "^hel+o$", "regex": true}}))).await.outcome, UP);
    assert_eq!(asked(address, http(json!({"digest": "5d41402abc4b2a76b9719d911017c592"}))).await.outcome, UP);
    let wrong = [
        json!({"body": {"text": "x"}}),
        json!({"body": {"text": "l", "absent": true}}),
        json!({"digest": "00".repeat(16)}),
    ];
    for check in wrong {
        assert_eq!(failed(&asked(address, http(check)).await), &Failure::Mismatch);
    }
    let moved = says(b"HTTP/1.0 302 Found\r\nLocation: /login\r\n\r\n");
    assert_eq!(failed(&asked(moved, http(json!({}))).await), &Failure::Status { code: 302 });
    assert_eq!(asked(moved, http(json!({"status": ["200", "300-399"]}))).await.outcome, UP);
    let cut = says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    assert_eq!(asked(cut, http(json!({}))).await.outcome, UP, "nobody looks at the body");
    assert_eq!(failed(&asked(cut, http(json!({"body": {"text": "x"}}))).await), &Failure::ClosedEarly);
    let chunked = says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    assert_eq!(asked(chunked, http(json!({"body": {"text": "^hello$", "regex": true}}))).await.outcome, UP);
}

#[tokio::test]
async fn a_mail_server_greets_in_several_lines() {
    let mail = |lines: &'static [&'static str]| {
        server(move |mut stream| {
            for line in lines {
                let _ = stream.write_all(line.as_bytes());
                let _ = stream.read(&mut [0; 256]);
            }
        })
    };
    let check = json!({"kind": "smtp", "helo": "director.example"});
    let good = mail(&["220-mx.example\r\n220 ready\r\n", "250-mx.example\r\n250 SIZE\r\n", "221 bye\r\n"]);
    let answer = asked(good, check.clone()).await;
    assert_eq!(answer.outcome, UP, "{:?}", answer.detail);
    assert_eq!(answer.marks.sent, b"HELO director.example\r\nQUIT\r\n");
    let busy = mail(&["421 too many connections\r\n"]);
    assert_eq!(failed(&asked(busy, check.clone()).await), &Failure::Status { code: 421 });
    assert_eq!(failed(&asked(mail(&["SSH-2.0\r\n"]), check).await), &Failure::Protocol);
}

/// A UDP server that answers each datagram with what this makes of it.
fn datagrams(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((count, from)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..count]) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    address
}

#[tokio::test]
async fn a_datagram_is_refused_answered_or_met_with_silence() {
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let check = |more: serde_json::Value| {
        let mut check = more;
        check["kind"] = json!("udp");
        check
    };
    assert_eq!(failed(&asked(nobody, check(json!({}))).await), &Failure::Refused);
    let silent = datagrams(|_| None);
    assert_eq!(put_to(&question(silent, check(json!({})), SHORT)).await.outcome, UP);
    let needed = put_to(&question(silent, check(json!({"reply_needed": true})), SHORT)).await;
    assert_eq!(failed(&needed), &Failure::TimedOut { phase: Phase::FirstByte });
    let echo = datagrams(|bytes| Some(bytes.to_vec()));
    assert_eq!(asked(echo, check(json!({"send": "0aff", "expect": "0aX"}))).await.outcome, UP);
    assert_eq!(
        failed(&asked(echo, check(json!({"send": "0aff", "expect": "0b"}))).await),
        &Failure::Mismatch
    );
}

#[tokio::test]
async fn a_name_server_answers_or_says_why_not() {
    use hickory_proto::op::{Message, MessageType, ResponseCode};
    let check = json!({"kind": "dns", "name": "example.com.", "record": "A"});
    let answering = |code: ResponseCode, response: bool| {
        datagrams(move |bytes| {
            let mut message = Message::from_vec(bytes).unwrap();
            message.set_message_type(if response { MessageType::Response } else { MessageType::Query });
            message.set_response_code(code);
            message.to_vec().ok()
        })
    };
    assert_eq!(asked(answering(ResponseCode::NoError, true), check.clone()).await.outcome, UP);
    let failure = Failure::Dns { reason: DnsFailure::Code { code: 2 } };
    assert_eq!(failed(&asked(answering(ResponseCode::ServFail, true), check.clone()).await), &failure);
    let echoed = asked(answering(ResponseCode::NoError, false), check.clone()).await;
    assert_eq!(failed(&echoed), &Failure::Protocol);
    // An answer to another question is none; garbage is no message.
    let other = datagrams(|bytes| Some([&[bytes[0] ^ 1], &bytes[1..]].concat()));
    let answer = put_to(&question(other, check.clone(), SHORT)).await;
    assert_eq!(failed(&answer), &Failure::TimedOut { phase: Phase::Total });
    let garbage = datagrams(|bytes| Some([&bytes[..2], b"garbage"].concat()));
    assert_eq!(failed(&asked(garbage, check).await), &Failure::Protocol);
}

#[tokio::test]
async fn databases_are_asked_without_a_password() {
    let ask_with = async |address, prepared| put_to(&question_of(address, prepared, SHORT)).await;
    let mysql = || Prepared::Mysql { user: "caribe".to_owned() };
    let server_of = |greeting: &'static [u8], answer: &'static [u8]| {
        server(move |mut stream| {
            let _ = stream.write_all(greeting);
            let _ = stream.read(&mut [0; 256]);
            let _ = stream.write_all(answer);
            let _ = stream.read_to_end(&mut Vec::new());
        })
    };
    let denied = b"\x0f\0\0\x02\xff\x15\x04#28000denied";
    assert_eq!(ask_with(server_of(b"\x03\0\0\0\x0a5\0", denied), mysql()).await.outcome, UP);
    let full = server_of(b"\x17\0\0\0\xff\x10\x04Too many connections", b"");
    let answer = ask_with(full, mysql()).await;
    assert_eq!(
        (failed(&answer), answer.detail.as_deref()),
        (&Failure::Protocol, Some("Too many connections"))
    );
    assert_eq!(failed(&ask_with(greets(b"SSH-2.0-x\r\n"), mysql()).await), &Failure::Protocol);

    let postgres = || Prepared::Postgres { user: "caribe".to_owned(), database: None };
    let password = says(b"R\0\0\0\x0c\0\0\0\x05abcd");
    assert_eq!(ask_with(password, postgres()).await.outcome, UP);
    let starting = says(b"E\0\0\0\x19C57P03\0Mstarting up\0\0");
    let answer = ask_with(starting, postgres()).await;
    assert_eq!((failed(&answer), answer.detail.as_deref()), (&Failure::Protocol, Some("starting up")));

    let redis = || Prepared::Redis { login: None, secrets: Vec::new() };
    assert_eq!(ask_with(says(b"+PONG\r\n"), redis()).await.outcome, UP);
    assert_eq!(ask_with(says(b"-NOAUTH Authentication required.\r\n"), redis()).await.outcome, UP);
    let loading = ask_with(says(b"-LOADING Redis is loading the dataset in memory\r\n"), redis()).await;
    assert_eq!(failed(&loading), &Failure::Protocol);
}

/// A folder with these programs in it.
fn programs(files: &[(&str, &str)]) -> (tempfile::TempDir, Arc<Programs>) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let programs = Arc::new(Programs { folders: vec![folder.path().to_owned()], user: None });
    (folder, programs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_says_by_its_end_or_its_words() {
    let (folder, programs) = programs(&[
        ("good", "#!/bin/sh\necho \"$1 $2 $3 ${HOME-none}\"\n"),
        ("bad", "#!/bin/sh\nexit 3\n"),
        ("crashes", "#!/bin/sh\nkill -SEGV $$\n"),
        ("hangs", "#!/bin/sh\nsleep 1000 &\necho $! > \"$1\"\nwait\n"),
        ("open", "#!/bin/sh\n"),
    ]);
    let target: SocketAddr = "192.0.2.7:8080".parse().unwrap();
    let run = async |check: serde_json::Value, timeout| {
        let check: Check = serde_json::from_value(check).unwrap();
        let asking = Asking { protocol: Protocol::Tcp, programs: &programs };
        put_to(&question_of(target, prepare(&check.question, &asking), timeout)).await
    };
    let command =
        |command: &str| json!({"kind": "command", "command": command.split(' ').collect::<Vec<_>>()});
    let printed = |command: &str, expect: &str| json!({"kind": "program", "command": command.split(' ').collect::<Vec<_>>(), "expect": expect});
    let reason = |answer: &Answer| match failed(answer) {
        Failure::Program { reason } => *reason,
        other => panic!("{other:?}"),
    };
    let answer = run(printed("good %h %p %h:%p", "192.0.2.7 8080 %h:%p none"), LONG).await;
    assert_eq!(
        answer.outcome,
        UP,
        "{:?} {:?}",
        answer.detail,
        String::from_utf8_lossy(&answer.marks.received)
    );
    assert_eq!(failed(&run(printed("good %h", "192.0.2.7"), LONG).await), &Failure::Mismatch, "not a prefix");
    assert_eq!(run(command("good x;exit 1"), LONG).await.outcome, UP, "no shell reads it");
    assert_eq!(reason(&run(command("bad"), LONG).await), ProgramFailure::Exit { status: 3 });
    assert_eq!(reason(&run(command("crashes"), LONG).await), ProgramFailure::Signal { signal: 11 });
    for outside in ["nowhere", "/bin/true", "../../../../../../bin/true"] {
        assert_eq!(reason(&run(command(outside), LONG).await), ProgramFailure::Missing, "{outside}");
    }
    std::os::unix::fs::symlink("/bin/true", folder.path().join("link")).unwrap();
    assert_eq!(
        reason(&run(command("link"), LONG).await),
        ProgramFailure::Missing,
        "what counts is where it is"
    );
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = folder.path().join("open");
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(reason(&run(command("open"), LONG).await), ProgramFailure::Missing);
    }
    // The whole group ends with the time: also the child that the program has started.
    let note = folder.path().join("pid");
    let answer = run(command(&format!("hangs {}", note.display())), Duration::from_secs(1)).await;
    assert_eq!(reason(&answer), ProgramFailure::TimedOut);
    let child = std::fs::read_to_string(&note).unwrap();
    let stat = std::path::PathBuf::from(format!("/proc/{}/stat", child.trim()));
    let began = Instant::now();
    let gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    while !gone() {
        assert!(began.elapsed() < LONG, "its child lives on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_echo_comes_back_from_loopback() {
    let answer = put_to(&question("127.0.0.1:0".parse().unwrap(), json!({"kind": "ping"}), LONG)).await;
    match answer.outcome {
        UP => assert!(answer.marks.received.len() > 8),
        // Where neither kind of socket is allowed, that is the checker's trouble.
        other => assert_eq!(other, Outcome::Undecided(Trouble::Permission)),
    }
}

#[tokio::test]
async fn the_way_of_a_probe_is_kept() {
    let (address, peers) = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, peers) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = tell.send(stream.peer_addr().unwrap().ip());
                let mut stream = stream;
                let _ = stream.write_all(b"x");
            }
        });
        (address, peers)
    };
    let mut question = question(address, json!({"kind": "send-expect", "expect": "x"}), LONG);
    question.way.source = Some("127.0.0.9".parse().unwrap());
    let answer = put_to(&question).await;
    assert_eq!(answer.outcome, UP, "{:?}", answer.detail);
    assert_eq!(peers.recv().unwrap(), "127.0.0.9".parse::<std::net::IpAddr>().unwrap());
    question.way.source = Some("192.0.2.200".parse().unwrap());
    let answer = put_to(&question).await;
    assert_eq!(answer.outcome, Outcome::Undecided(Trouble::SourceAddress), "an address that is not here");
    question.way = Way { interface: Some("nowhere0".to_owned()), ..Way::default() };
    assert!(matches!(put_to(&question).await.outcome, Outcome::Undecided(_)));
}
