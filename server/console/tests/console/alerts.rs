//! Alerts on a real database: told by real SMTP and real HTTP servers of the test, once, across restarts, with silences.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use console::{
    Actor, AlertError, AlertLetter, AlertOutcome, AlertText, AlertWords, ChannelSettings, Console, Email,
    MailSecurity, NewSecret, Problem, ProblemKind, Role, RuleSettings, SilenceSettings, Way, Webhook,
    WrongAlert,
};
use lvs::Cluster;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::agent::FakeAgent;
use crate::place::{Place, actor};

/// Words that a test can recognise.
struct Words;

impl AlertWords for Words {
    fn letter(&self, language: &str, letter: &AlertLetter) -> AlertText {
        let keys = |lines: &[console::AlertLine]| {
            lines.iter().map(|line| line.problem.key()).collect::<Vec<_>>().join(",")
        };
        let (begun, over) = (keys(&letter.begun), keys(&letter.over));
        AlertText { subject: format!("{language} {}", letter.cluster), body: format!("+{begun} -{over}") }
    }

    fn sentence(&self, _: &str, problem: &Problem) -> String {
        problem.key()
    }

    fn test(&self, language: &str, channel: &str) -> AlertText {
        AlertText { subject: format!("test {language}"), body: format!("of {channel}") }
    }
}

/// What a server was sent, whole.
type Taken = Arc<Mutex<Vec<String>>>;

fn taken(all: &Taken) -> Vec<String> {
    all.lock().unwrap().clone()
}

/// A mail server that takes everything in the clear; its port.
async fn mail_server() -> (u16, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, all) = (listener.local_addr().unwrap().port(), Taken::default());
    let kept = Arc::clone(&all);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
                let (mut whole, mut line, mut in_data) = (String::new(), String::new(), false);
                while stream.read_line(&mut line).await.is_ok_and(|bytes| bytes > 0) {
                    whole.push_str(&line);
                    let answer = match line.trim_end() {
                        "." if in_data => {
                            in_data = false;
                            kept.lock().unwrap().push(std::mem::take(&mut whole));
                            "250 taken\r\n"
                        }
                        _ if in_data => "",
                        "DATA" => {
                            in_data = true;
                            "354 go on\r\n"
                        }
                        "QUIT" => "221 bye\r\n",
                        _ => "250 mail.example\r\n",
                    };
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    line.clear();
                }
            });
        }
    });
    (port, all)
}

/// A web server that answers as it is told, 200 by default; its address.
async fn web_server() -> (String, Taken, Arc<Mutex<&'static str>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, all) = (listener.local_addr().unwrap(), Taken::default());
    let answer = Arc::new(Mutex::new("200 OK"));
    let (kept, says) = (Arc::clone(&all), Arc::clone(&answer));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            // The head says how long the body is.
            let whole = loop {
                let bytes = stream.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..bytes]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() >= length.parse::<usize>().unwrap() || bytes == 0 {
                    break text;
                }
            };
            kept.lock().unwrap().push(whole);
            let status = *says.lock().unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (format!("http://{address}/hook/secret-of-the-path"), all, answer)
}

fn email(name: &str, port: u16) -> ChannelSettings {
    let email = Email {
        server: "127.0.0.1".to_owned(),
        port,
        security: MailSecurity::None,
        from: "Caribe <lb@example.com>".to_owned(),
        to: vec!["night@example.com".to_owned(), "团队 <team@example.com>".to_owned()],
        ..Email::default()
    };
    ChannelSettings { name: name.to_owned(), language: "zh-CN".to_owned(), way: Way::Email(email) }
}

fn webhook(name: &str, url: &str) -> ChannelSettings {
    let webhook = Webhook { url: url.to_owned(), authorities: None };
    ChannelSettings { name: name.to_owned(), language: "en".to_owned(), way: Way::Webhook(webhook) }
}

fn rule(name: &str, channel: &str) -> RuleSettings {
    RuleSettings {
        name: name.to_owned(),
        channel: channel.to_owned(),
        after_s: 60,
        ..RuleSettings::default()
    }
}

async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within 30 s: {what}");
}

/// A running cluster of one director.
async fn cluster(console: &Console) -> String {
    let content: Cluster = serde_json::from_value(serde_json::json!({
        "name": "shop",
        "directors": [{ "name": "d1", "seat": "primary", "public": "192.0.2.9" }],
        "virtual_servers": [{ "name": "www", "vip": { "address": "192.0.2.1" }, "port": 80,
            "real_servers": [{ "name": "one", "address": "10.0.0.1" }] }],
    }))
    .unwrap();
    let id = console.create_cluster(&Actor::local(), content).await.unwrap().cluster_id;
    console.activate(&Actor::local(), &id, "first").await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_told_by_mail_and_webhook_once_and_its_end_too() {
    let place = Place::new().await;
    let (console, admin) = (&place.console, Actor::local());
    console.speak(Arc::new(Words));
    let (port, mails) = mail_server().await;
    let (url, posts, _) = web_server().await;
    console.create_alert_channel(&admin, email("mail", port), NewSecret::Keep, false).await.unwrap();
    let key = NewSecret::Set("whsec_c2lnbmVk".to_owned());
    console.create_alert_channel(&admin, webhook("chat", &url), key, false).await.unwrap();
    console.create_alert_rule(&admin, rule("by mail", "mail"), false).await.unwrap();
    let only = RuleSettings { kinds: vec![ProblemKind::NobodyActive], ..rule("by chat", "chat") };
    console.create_alert_rule(&admin, only, false).await.unwrap();
    console.start();
    let id = cluster(console).await;
    // The agent says that it is starting: nobody is active.
    let agent = FakeAgent::join(console, &admin, &id, "d1").await;
    place.pass(30);
    until("the problem is seen", || async {
        console
            .alerts()
            .await
            .unwrap()
            .iter()
            .any(|one| one.problem.kind == ProblemKind::NobodyActive && one.since.is_some())
    })
    .await;
    assert!(taken(&mails).is_empty() && console.alert_messages(None, 9).await.unwrap().is_empty());
    place.pass(61);
    until("both are sent", || async { taken(&mails).len() == 1 && taken(&posts).len() == 1 }).await;
    let mail = taken(&mails).remove(0);
    for part in [
        "RCPT TO:<night@example.com>",
        "RCPT TO:<team@example.com>",
        "Subject: zh-CN shop",
        "Auto-Submitted: auto-generated",
        "Message-ID: <msg_",
        "+nobody-active",
    ] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    let post = taken(&posts).remove(0);
    for part in ["POST /hook/secret-of-the-path HTTP/1.1", "webhook-id: msg_", "webhook-signature: v1,"] {
        assert!(post.contains(part), "{part}: {post}");
    }
    let body: serde_json::Value = serde_json::from_str(post.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["cluster"]["name"], "shop");
    assert_eq!(body["problems"][0]["kind"], "nobody-active");
    assert_eq!(body["problems"][0]["state"], "begun");
    let told = console.alerts().await.unwrap();
    assert!(told.iter().any(|one| one.told.is_some()));

    // Its end is told after the same time; and another console on the same database repeats nothing.
    agent.report(|inside| inside.status.state = lvs::wire::State::Active).await;
    until("it is over", || async {
        console.alerts().await.unwrap().iter().all(|one| one.problem.kind != ProblemKind::NobodyActive)
    })
    .await;
    until("its end is sent", || async {
        place.pass(1);
        taken(&posts).len() == 2
    })
    .await;
    assert!(taken(&posts)[1].contains(r#""state":"over""#));
    until("the mail of it, too", || async { taken(&mails).len() == 2 }).await;
    until("that is noted", || async {
        let log = console.alert_messages(None, 100).await.unwrap();
        log.iter().all(|one| one.outcome != AlertOutcome::Waiting)
    })
    .await;
    let log = console.alert_messages(None, 100).await.unwrap();
    assert!(log.iter().all(|one| one.outcome == AlertOutcome::Sent && one.attempts == 1), "{log:?}");
    console.stop().await;
    let again = place.again().await;
    let (mailed, posted) = (taken(&mails).len(), taken(&posts).len());
    again.speak(Arc::new(Words));
    again.start();
    place.pass(25);
    until("the agent is heard again", || async {
        again.live(&id).await.unwrap().directors.iter().any(|one| one.connected)
    })
    .await;
    assert_eq!((taken(&mails).len(), taken(&posts).len()), (mailed, posted));
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_is_tried_again_and_said() {
    let place = Place::new().await;
    let (console, admin) = (&place.console, Actor::local());
    console.speak(Arc::new(Words));
    let (url, posts, answer) = web_server().await;
    *answer.lock().unwrap() = "503 Busy";
    let made =
        console.create_alert_channel(&admin, webhook("chat", &url), NewSecret::Keep, false).await.unwrap();
    // A test is tried once.
    let test = console.test_alert_channel(&admin, "chat").await.unwrap();
    assert_eq!((test.outcome, test.attempts, test.due), (AlertOutcome::Failed, 1, None));
    let error = test.error.unwrap();
    assert!(error.contains("503") && !error.contains("secret-of-the-path"), "{error}");
    console
        .create_alert_rule(&admin, RuleSettings { after_s: 0, ..rule("all", "chat") }, false)
        .await
        .unwrap();
    console.start();
    let id = cluster(console).await;
    let _agent = FakeAgent::join(console, &admin, &id, "d1").await;
    place.pass(30);
    let newest = || async { console.alert_messages(None, 1).await.unwrap().remove(0) };
    until("it is tried", || async {
        let message = newest().await;
        message.rule.is_some() && message.attempts == 1
    })
    .await;
    let message = newest().await;
    assert_eq!((message.outcome, message.due.is_some()), (AlertOutcome::Waiting, true));
    *answer.lock().unwrap() = "204 Taken";
    place.pass(10);
    until("it is tried again", || async { newest().await.outcome == AlertOutcome::Sent }).await;
    let ids = |text: &String| text.lines().find(|line| line.starts_with("webhook-id")).unwrap().to_owned();
    let ids: Vec<String> = taken(&posts).iter().skip(1).map(ids).collect();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]), "the same message has the same id");
    // Where nobody listens the reason is said, without the path.
    let nowhere = webhook("chat", "http://127.0.0.1:9/secret-of-the-path");
    console.change_alert_channel(&admin, &made.id, nowhere, NewSecret::Keep, false).await.unwrap();
    let error = console.test_alert_channel(&admin, "chat").await.unwrap().error.unwrap();
    assert!(error.contains("refused") && !error.contains("secret-of-the-path"), "{error}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silences_keep_quiet_and_end() {
    let place = Place::new().await;
    let (console, admin) = (&place.console, Actor::local());
    console.speak(Arc::new(Words));
    let (url, posts, _) = web_server().await;
    console.create_alert_channel(&admin, webhook("chat", &url), NewSecret::Keep, false).await.unwrap();
    console
        .create_alert_rule(&admin, RuleSettings { after_s: 0, ..rule("all", "chat") }, false)
        .await
        .unwrap();
    let id = cluster(console).await;
    let ends = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let settings = |cluster: Option<&str>, ends| SilenceSettings {
        cluster: cluster.map(ToOwned::to_owned),
        kind: None,
        problem: None,
        reason: "switches are replaced".to_owned(),
        begins: None,
        ends,
    };
    let operator = actor("olga", Role::Operator);
    let set = console.silence_alerts(&operator, settings(Some("shop"), ends), false).await.unwrap();
    assert_eq!((set.by.as_str(), set.settings.cluster.as_deref()), ("account/olga", Some(id.as_str())));
    console.start();
    let _agent = FakeAgent::join(console, &admin, &id, "d1").await;
    place.pass(60);
    until("it is seen, silenced", || async {
        let all = console.alerts().await.unwrap();
        all.iter().any(|one| one.since.is_some() && one.silenced_until == Some(set.settings.ends))
    })
    .await;
    assert!(console.alert_messages(None, 1).await.unwrap().is_empty());
    console.end_alert_silence(&operator, &set.id).await.unwrap();
    until("it is told after all", || async { !taken(&posts).is_empty() }).await;
    let viewer = actor("vera", Role::Viewer);
    let refused = console.silence_alerts(&viewer, settings(None, ends), false).await;
    assert!(matches!(refused, Err(AlertError::Forbidden { needs: Role::Operator })));
    let past = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let refused = console.silence_alerts(&operator, settings(Some("nowhere"), past), false).await;
    let Err(AlertError::Invalid(wrong)) = refused else { panic!("{refused:?}") };
    assert_eq!(wrong, [("ends", WrongAlert::Ends), ("cluster", WrongAlert::Cluster)]);
    console.stop().await;
}

#[tokio::test]
async fn channels_and_rules_are_checked_field_by_field_and_secrets_stay_inside() {
    let place = Place::new().await;
    let (console, admin) = (&place.console, Actor::local());
    let wrong = |error: AlertError| match error {
        AlertError::Invalid(wrong) => {
            wrong.into_iter().map(|(field, why)| (field, why.as_str())).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let bad = Email {
        server: "mail.example.com:25".to_owned(),
        port: 0,
        security: MailSecurity::None,
        user: Some("lb".to_owned()),
        from: "nobody".to_owned(),
        to: Vec::new(),
        authorities: Some("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----".to_owned()),
    };
    let bad = ChannelSettings { name: " ".to_owned(), language: "fr".to_owned(), way: Way::Email(bad) };
    let refused = console.create_alert_channel(&admin, bad, NewSecret::Keep, false).await.unwrap_err();
    assert_eq!(
        wrong(refused),
        [
            ("name", "name"),
            ("language", "language"),
            ("way.email.server", "server"),
            ("way.email.port", "port"),
            ("way.email.from", "address"),
            ("way.email.to", "missing"),
            ("secret", "user-without-secret"),
            ("way.email.authorities", "authorities"),
        ]
    );
    for url in ["ftp://a/", "https://user:pass@a/", "nothing", "https://"] {
        let refused =
            console.create_alert_channel(&admin, webhook("chat", url), NewSecret::Keep, false).await;
        assert_eq!(wrong(refused.unwrap_err()), [("way.webhook.url", "url")], "{url}");
    }
    let secret = || NewSecret::Set("hunter2-hunter2".to_owned());
    let mut signed = email("mail", 587);
    if let Way::Email(email) = &mut signed.way {
        email.user = Some("lb".to_owned());
    }
    let refused = console.create_alert_channel(&admin, signed.clone(), secret(), false).await.unwrap_err();
    assert_eq!(wrong(refused), [("way.email.security", "secret-in-clear")]);
    if let Way::Email(email) = &mut signed.way {
        email.security = MailSecurity::Tls;
    }
    let made = console.create_alert_channel(&admin, signed.clone(), secret(), false).await.unwrap();
    assert!(made.has_secret && !format!("{made:?}").contains("hunter2"));
    let disk = place.bytes();
    assert!(disk.windows(7).any(|piece| piece == b"example"), "the database is read");
    assert!(!disk.windows(7).any(|piece| piece == b"hunter2"), "it is sealed");
    let taken =
        console.create_alert_channel(&admin, webhook("MAIL", "https://a/"), NewSecret::Keep, false).await;
    assert_eq!(wrong(taken.unwrap_err()), [("name", "taken")]);
    let before = console.alert_channels().await.unwrap();
    for rehearse in [true, false] {
        let hook = webhook("mail", "https://a/");
        let other = console.change_alert_channel(&admin, "mail", hook, NewSecret::Keep, rehearse).await;
        assert_eq!(wrong(other.unwrap_err()), [("way", "kind")]);
    }
    let hook = webhook("hook", "https://a/");
    console.create_alert_channel(&admin, hook, NewSecret::Keep, true).await.unwrap();
    assert_eq!(console.alert_channels().await.unwrap(), before, "a rehearsal makes nothing");
    let kept = console.change_alert_channel(&admin, "mail", signed, NewSecret::Keep, false).await.unwrap();
    assert!(kept.has_secret);

    let bad =
        RuleSettings { cluster: Some("x".to_owned()), after_s: 90_000, repeat_s: 5, ..rule("", "nowhere") };
    let refused = console.create_alert_rule(&admin, bad, false).await.unwrap_err();
    assert_eq!(
        wrong(refused),
        [
            ("name", "name"),
            ("after_s", "after"),
            ("repeat_s", "repeat"),
            ("channel", "channel"),
            ("cluster", "cluster")
        ]
    );
    let made = console.create_alert_rule(&admin, rule("all", "mail"), false).await.unwrap();
    assert_eq!(made.settings.channel, kept.id, "kept by id");
    let taken = console.create_alert_rule(&admin, rule("ALL", "mail"), true).await;
    assert_eq!(wrong(taken.unwrap_err()), [("name", "taken")]);
    let used = console.delete_alert_channel(&admin, "mail", false).await;
    assert!(matches!(used, Err(AlertError::InUse(rules)) if rules == ["all"]));
    let editor = actor("eva", Role::Editor);
    assert!(console.create_alert_rule(&editor, rule("mine", "mail"), false).await.is_err());
    console.delete_alert_rule(&admin, "all").await.unwrap();
    console.delete_alert_channel(&admin, "mail", false).await.unwrap();
    let audit = console.audit(&admin, None, None, 100).await.unwrap();
    let alerts: Vec<&str> =
        audit.iter().map(|row| row.action.as_str()).filter(|action| action.starts_with("alert.")).collect();
    assert_eq!(
        alerts,
        [
            "alert.channel.delete",
            "alert.rule.delete",
            "alert.rule.create",
            "alert.channel.change",
            "alert.channel.create"
        ]
    );
    assert!(!audit.iter().any(|row| row.detail.contains("hunter2")));
}
