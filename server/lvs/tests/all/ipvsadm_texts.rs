//! Every file in `ipvsadm/NAME/input.txt` is read as the console reads it and compared with what stands beside it:
//! `findings.txt` (what is said, in the lines of `caribe check`), `strict.txt` (the same with `--strict`) and
//! `cluster.json` (what is understood).
//!
//! `IPVSADM_REWRITE=1 cargo test -p lvs --test ipvsadm_texts` writes them anew; look at the difference before keeping it.

use crate::written_down;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::written_down::WrittenDown;
use lvs::format::names::Names;
use lvs::format::{FileKind, Options, Outcome, Source, detect, host_names, read_sources};
use proptest::prelude::*;

fn read(text: &str, strict: bool) -> Outcome {
    let options = Options { kind: Some(FileKind::Ipvsadm), strict, ..Options::default() };
    read_sources(&[Source { name: "input.txt", text }], &options)
}

fn shown(outcome: &Outcome) -> String {
    written_down::shown(outcome.findings.iter().map(|(file, finding)| (outcome.file(*file), finding)))
}

/// All cases by folder, with their texts.
fn cases() -> Vec<(std::path::PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ipvsadm");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read_to_string(path.join("input.txt")).unwrap()))
        .collect();
    cases.sort();
    assert!(cases.len() > 15, "the cases are gone");
    cases
}

#[test]
fn every_file_is_read_as_written_down() {
    let mut written_down = WrittenDown::unless("IPVSADM_REWRITE");
    for (path, text) in cases() {
        assert_eq!(detect(&text), Some(FileKind::Ipvsadm), "{}", path.display());
        let outcome = read(&text, false);
        assert_eq!(outcome.cluster.is_none(), outcome.has_errors(), "{}", path.display());
        let json = serde_json::to_string_pretty(&outcome.cluster).unwrap() + "\n";
        let strict = shown(&read(&text, true));
        for (name, actual) in
            [("findings.txt", shown(&outcome)), ("strict.txt", strict), ("cluster.json", json)]
        {
            written_down.compare(&path.join(name), &actual);
        }
    }
    written_down.finish();
}

#[test]
fn names_are_taken_from_whoever_looked_them_up() {
    let text = "-A -t www.example.com:http -s wlc\n-a -t www.example.com:http -r web1:http -m -w 1\n\
                -A -t [www.example.com]:443 -s wlc\n";
    let sources = [Source { name: "x", text }];
    let found = host_names(&sources, None);
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ["web1", "www.example.com"]);
    let mut names = Names::default();
    names.insert("www.example.com", ["2001:db8::80".parse().unwrap(), "192.0.2.80".parse().unwrap()]);
    names.insert("web1", ["10.0.0.1".parse().unwrap()]);
    let outcome = read_sources(&sources, &Options { names: Some(&names), ..Options::default() });
    let cluster = outcome.cluster.as_ref().unwrap_or_else(|| panic!("{}", shown(&outcome)));
    let names: Vec<_> = cluster.virtual_servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["tcp 192.0.2.80:80", "tcp [2001:db8::80]:443"]);
    let looked_up = outcome.findings.iter().filter(|(_, f)| f.code.as_str() == "host-resolved").count();
    assert_eq!(looked_up, 4);
}

#[test]
fn endless_texts_of_any_kind_are_read_in_a_moment() {
    let size = 1 << 19;
    for piece in [
        "-A -t 192.0.2.1:80 -s rr\n",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m\n",
        "ipvsadm -A ",
        "case x in\n",
        "case x in a) ",
        "if\n",
        "{ ",
        "f() {\n",
        "A=$A$A$Ax\nipvsadm $A $A $A\n",
        "A=\"x x x x $A\"; ",
        "ipvsadm -A -t $",
        "$(",
        "${A:-",
        "\"",
        "'\n",
        "\\\n",
        "<<a ",
        "x\\",
        "\u{2013}A \u{a0}",
        "-- ",
        "ip addr add 192.0.2.1/24 dev eth0\n",
        "for i in 1 2 3; do\n",
        "for i in 1 2; do done; ",
        "for i in {1..900}; do ipvsadm -A -t 192.0.2.1:$i; done\n",
        "for i in $A $A $A; do $A $i; done\n",
        "A+=(x y)\n",
        "A=(x $A ${A[@]})\n",
    ] {
        let text = format!("ipvsadm -C\nA=yyyyyyyyyyyyyyyy\n{}", piece.repeat(size / piece.len()));
        let begun = Instant::now();
        let _ = read(&text, false);
        assert!(begun.elapsed() < Duration::from_secs(20), "{piece:?}: {:?}", begun.elapsed());
    }
}

proptest! {
    #[test]
    fn pieces_in_any_order_are_read(pieces in prop::collection::vec(prop::sample::select(vec![
        "ipvsadm", "-A", "-a", "-t", "192.0.2.1:80", "$V", "${V", "}", "{", "case", "in", "esac", "x)", "start)", ";;",
        "if", "then", "else", "fi", "for", "do", "done", "for i in 1 2; do", "$i", "A=(", "${A[@]}", "f()", "(", ")", "<<E", "E", "V=1", "V+=2", "V=(", "\"", "'",
        "\\", "\n", "\n", "\n", " ", "\u{a0}", "\u{2013}", "-r", "10.0.0.1", "-m", "-g", "--set", "1", "`", "$(", "|",
        "&&", ">", "/proc/x", "ip", "addr", "add", "dev", "eth0", "ifconfig", "netmask", "function", "!", "#",
    ]), 0..80), blanks in any::<bool>()) {
        let text = pieces.join(if blanks { " " } else { "" });
        let outcome = read(&text, false);
        prop_assert_eq!(outcome.cluster.is_none(), outcome.has_errors());
        let _ = read(&text, true);
    }
}
