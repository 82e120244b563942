//! Texts that nobody should have written: mutations of every fixture, and texts of full size that repeat one thing.
//!
//! Each is read as every kind of file. Nothing panics, hangs or grows without bound, and the same text is always read
//! the same. `PROPTEST_CASES` asks for more mutations, as for the other properties, up to a limit of their own.

mod contract;
mod sizes;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use lvs::format::FileKind;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;

/// What no text of a few kilobytes may take, on a busy machine and without optimisation.
const LIMIT: Duration = Duration::from_secs(20);

/// However many cases are asked for: each is a file of some kilobytes, read and written as every kind.
const MOST_CASES: u32 = 400;

/// Every fixture that is read somewhere in the tests.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut open = vec![root.join("tests"), root.join("../testkit/fixtures")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if is_seed(&path) {
            paths.push(path);
        }
    }
    paths.sort();
    assert!(paths.len() > 100, "the fixtures are gone");
    let mut seeds: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    seeds.extend(TABLES.iter().map(|table| table.as_bytes().to_vec()));
    seeds
});

const TABLES: &[&str] = &[
    "-A -t 192.0.2.1:80 -s wlc -p 300 -M 255.255.255.0\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1 -x 10 -y 5\n",
    "-A -f 5 -6 -s sh -b sh-port\n-a -f 5 -6 -r [2001:db8::1]:0 -i --tun-type gue --tun-port 6080 -w 0\n",
    "#!/bin/sh\nVIP=192.0.2.1\nipvsadm -C\nipvsadm -A -u $VIP:53 -o -s rr\nfor i in 1 2; do\nipvsadm -a -u $VIP:53 -r 10.0.0.$i -g\ndone\n",
];

fn is_seed(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    let expected = ["findings.txt", "statements.txt", "strict.txt"].contains(&name);
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or("");
    !expected && ["cf", "conf", "txt", "inc", "sh", "rules", "ipvsadm", "table"].contains(&kind)
}

/// One thing done to a text.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Remove(Index),
    Double(Index),
    Exchange(Index, Index),
    /// A part of another text.
    Splice {
        seed: Index,
        from: Index,
        to: Index,
        at: Index,
    },
    Insert(Index, &'static str),
    Cut(Index),
    Repeat(Index, usize),
    /// All line ends between here and there are lost.
    Join(Index, Index),
}

/// What texts stumble over.
const PIECES: &[&str] = &[
    "{",
    "}",
    "{{",
    "} }",
    "\"",
    "'",
    "“",
    "”",
    "\\",
    "\\\n",
    "\n",
    "\r",
    "\0",
    "\u{a0}",
    "\u{feff}",
    "\u{200b}",
    "｛",
    "｝",
    "#",
    "!",
    "//",
    "@a ",
    "@^a ",
    "$A=1\n",
    "$A= \\\n",
    "${A}",
    "$A ",
    "$A=${A}${A}\n",
    "~SEQ(A,1,99) ",
    "~SEQx(A,-5,5) ",
    "~LST({A,B},{1,2}) ",
    "include *\n",
    "include input.conf\n",
    "&lt;",
    "&#123;",
    "<br>",
    "> ",
    "1 ",
    "```\n",
    "[root@lvs1 ~]# cat keepalived.conf\n",
    "virtual_server ",
    "virtual_server 192.0.2.1 80 {\n",
    "real_server 10.0.0.1 80 {\n",
    "vrrp_instance a {\n",
    "global_defs {\n",
    "virtual_ipaddress {\n",
    "auth_pass ",
    "virtual_router_id51priority100",
    "virtual a {\n",
    "server b {\n",
    "failover c {\n",
    " = ",
    "=",
    "port = ",
    "99999999999999999999",
    "-1",
    "0x7f",
    "010",
    "::",
    "[::1]:80",
    "255.255.255.255/33",
    "é",
    "\u{1f980}",
    " -A ",
    " -a ",
    " -t 192.0.2.1:80 ",
    " -r 10.0.0.1 ",
    " -w ",
    " -m -g ",
    "for i in 1 2; do\n",
    "done\n",
    "$(",
    "`",
    "; ",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Flip(at, byte)),
        at().prop_map(Mutation::Remove),
        at().prop_map(Mutation::Double),
        (at(), at()).prop_map(|(one, other)| Mutation::Exchange(one, other)),
        (at(), at(), at(), at()).prop_map(|(seed, from, to, at)| Mutation::Splice { seed, from, to, at }),
        (at(), select(PIECES)).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        at().prop_map(Mutation::Cut),
        (at(), 2..200_usize).prop_map(|(at, times)| Mutation::Repeat(at, times)),
        (at(), at()).prop_map(|(from, to)| Mutation::Join(from, to)),
    ]
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn mutated(mut text: Vec<u8>, mutation: &Mutation) -> Vec<u8> {
    let place = |at: &Index, text: &[u8]| at.index(text.len() + 1);
    match mutation {
        Mutation::Flip(at, byte) if !text.is_empty() => {
            let at = at.index(text.len());
            text[at] = *byte;
        }
        Mutation::Insert(at, piece) => {
            let at = place(at, &text);
            text.splice(at..at, piece.bytes());
        }
        Mutation::Cut(at) => text.truncate(place(at, &text)),
        Mutation::Splice { seed, from, to, at } => {
            let other = seed.get(&SEEDS);
            let (from, to) = (place(from, other), place(to, other));
            let at = place(at, &text);
            text.splice(at..at, other[from.min(to)..from.max(to)].iter().copied());
        }
        Mutation::Join(from, to) => {
            let (from, to) = (place(from, &text), place(to, &text));
            for byte in &mut text[from.min(to)..from.max(to)] {
                *byte = if *byte == b'\n' { b' ' } else { *byte };
            }
        }
        Mutation::Remove(_) | Mutation::Double(_) | Mutation::Exchange(..) | Mutation::Repeat(..) => {
            let mut lines = lines(&text);
            let count = lines.len();
            if count == 0 {
                return text;
            }
            match mutation {
                Mutation::Remove(at) => _ = lines.remove(at.index(count)),
                Mutation::Double(at) => lines.insert(at.index(count), at.get(&lines).clone()),
                Mutation::Exchange(one, other) => lines.swap(one.index(count), other.index(count)),
                Mutation::Repeat(at, times) => {
                    let at = at.index(count);
                    // Without its end, so that it becomes a long line.
                    let line = lines[at].strip_suffix(b"\n").unwrap_or(&lines[at]).repeat(*times);
                    lines[at] = line;
                }
                _ => {}
            }
            text = lines.concat();
        }
        Mutation::Flip(..) => {}
    }
    text
}

fn config() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1802),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    let cases = given.cases.min(MOST_CASES);
    ProptestConfig { cases, rng_seed, failure_persistence: None, max_shrink_iters: 2_000, ..given }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_mutated_file_is_read_within_bounds(
        seed in any::<Index>(),
        mutations in proptest::collection::vec(mutation(), 1..8),
    ) {
        let mut text = seed.get(&SEEDS).clone();
        for mutation in &mutations {
            text = mutated(text, mutation);
        }
        let started = Instant::now();
        for kind in FileKind::ALL {
            let outcome = contract::file(kind, &text);
            for cluster in outcome.cluster.iter().chain(&outcome.candidates) {
                prop_assert!(contract::message(&serde_json::to_vec(cluster).unwrap()) > 0);
            }
        }
        prop_assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    }

    #[test]
    fn a_mutated_message_is_refused_or_kept(
        mutations in proptest::collection::vec(mutation(), 0..4),
        message in select(sizes::MESSAGES),
    ) {
        let mut text = message.as_bytes().to_vec();
        for mutation in &mutations {
            text = mutated(text, mutation);
        }
        contract::message(&text);
    }
}

#[test]
fn fixtures_are_read_within_bounds() {
    for seed in SEEDS.iter() {
        for kind in FileKind::ALL {
            contract::file(kind, seed);
        }
    }
}

#[test]
fn messages_are_what_they_seem() {
    for message in sizes::MESSAGES {
        assert!(contract::message(message.as_bytes()) > 0, "{message}");
    }
}

#[test]
fn texts_of_full_size_are_read_in_time_and_space() {
    let before = sizes::memory_peak();
    let mut slowest = (Duration::ZERO, String::new());
    for (name, text) in sizes::texts() {
        for kind in FileKind::ALL {
            let begun = (Instant::now(), sizes::computed());
            sizes::read_once(kind, &text);
            let computed = begun.1.and_then(|begun| sizes::computed()?.checked_sub(begun));
            let took = computed.unwrap_or_else(|| begun.0.elapsed());
            let shown = format!("{name} as {kind}");
            if took > sizes::WORTH_SAYING {
                eprintln!("{took:>10.2?} {shown}");
            }
            // Optimised, the largest of them take well below a second.
            let limit = if computed.is_some() { sizes::MOST_TIME } else { LIMIT };
            assert!(took < limit, "{took:?} for {shown}");
            slowest = slowest.max((took, shown));
        }
    }
    eprintln!("slowest {:?} {}", slowest.0, slowest.1);
    if let (Some(before), Some(after)) = (before, sizes::memory_peak()) {
        assert!(after.saturating_sub(before) < sizes::MOST_MEMORY, "{before} to {after} bytes");
        eprintln!("memory {} MiB", after >> 20);
    }
}
