//! Reads the configuration files that a command is given, for `check` and `convert`.
//!
//! What they say is `lvs::format`'s to tell, the same as in the console's import; here they are loaded, with what lies
//! beside a keepalived.conf for its `include`, and host names are looked up where that was asked for.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lvs::format::names::Names;
use lvs::format::{FileKind, Options, Outcome, Source, decode, host_names, kind_of, read_sources};

use crate::cli::Input;

/// No file of these kinds is larger; the console's import has the same bound.
const LARGEST: u64 = 2 * 1024 * 1024;
/// Bounds of what is read beside a keepalived.conf.
const FOLDER_ENTRIES: usize = 5_000;
const FOLDER_DEPTH: usize = 4;
const FOLDER_BYTES: u64 = 4 * 1024 * 1024;
/// How long all look-ups together may take.
const LOOK_UP: Duration = Duration::from_secs(10);

/// What the files say.
pub(crate) struct Given {
    pub(crate) outcome: Outcome,
    /// Whether one of them is not UTF-8, but Latin-1.
    pub(crate) latin1: bool,
}

/// Reads the files; an error is wrong usage or an unreadable file.
pub(crate) fn read(input: &Input, strict: bool, keep_text: bool) -> Result<Given, String> {
    let mut encodings = Vec::new();
    let mut texts: Vec<(String, String)> = Vec::new();
    for (index, file) in input.files.iter().enumerate() {
        let name = file.display().to_string();
        if name == "-" && texts.iter().any(|(other, _)| other == "-") {
            return Err("standard input can be given once only".to_owned());
        }
        let bytes = load(file).map_err(|reason| format!("{name}: {reason}"))?;
        let (text, encoding) = decode(&bytes);
        encodings.extend(encoding.map(|finding| (index, finding)));
        texts.push((name, text.into_owned()));
    }
    let sources: Vec<Source<'_>> = texts.iter().map(|(name, text)| Source { name, text }).collect();
    let kind = input.from.kind().or_else(|| kind_of(&sources));
    if sources.len() > 1 && !kind.is_some_and(FileKind::takes_several) {
        return Err(
            "only keepalived.conf files are read together, as the nodes of one cluster; give one file"
                .to_owned(),
        );
    }
    let folder = (kind == Some(FileKind::Keepalived)
        && texts.iter().any(|(_, text)| text.contains("include")))
    .then(|| folders(&input.files));
    let names = if input.resolve { look_up(host_names(&sources, kind)) } else { Names::default() };
    let (kind, folder) = (input.from.kind(), folder.as_ref());
    let options = Options { kind, strict, names: Some(&names), keep_text, folder };
    let mut outcome = read_sources(&sources, &options);
    let latin1 = !encodings.is_empty();
    outcome.findings.splice(0..0, encodings);
    Ok(Given { outcome, latin1 })
}

fn load(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    match read {
        Ok(length) if length as u64 > LARGEST => {
            Err("larger than 2 MiB; this is no configuration file".to_owned())
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    }
}

/// The texts in the folders of the files, by their path from there. Where two folders hold different texts under one
/// path, neither is taken: it could be the other node's.
fn folders(files: &[PathBuf]) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut seen = Vec::new();
    for file in files {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if file.as_os_str() == "-" || seen.contains(&folder) {
            continue;
        }
        seen.push(folder);
        let mut found = Vec::new();
        let mut room = Room { entries: FOLDER_ENTRIES, bytes: FOLDER_BYTES };
        collect(folder, "", 0, &mut room, &mut found);
        for (path, text) in found {
            let entry = texts.entry(path).or_insert_with(|| Some(text.clone()));
            if entry.as_ref() != Some(&text) {
                *entry = None;
            }
        }
    }
    texts.into_iter().filter_map(|(path, text)| Some((path, text?))).collect()
}

/// What may still be looked at beside a file.
struct Room {
    entries: usize,
    bytes: u64,
}

fn collect(folder: &Path, prefix: &str, depth: usize, room: &mut Room, found: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().take(room.entries).map(|entry| entry.path()).collect();
    room.entries = room.entries.saturating_sub(paths.len());
    paths.sort();
    for path in paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let relative = format!("{prefix}{name}");
        let Ok(about) = fs::metadata(&path) else { continue };
        if about.is_dir() {
            // A loop of links ends here too.
            if depth < FOLDER_DEPTH {
                collect(&path, &format!("{relative}/"), depth + 1, room, found);
            }
        } else if about.is_file() && about.len() <= room.bytes {
            // What is no text is no configuration.
            if let Ok(Ok(text)) = load(&path).map(String::from_utf8) {
                room.bytes -= about.len();
                found.push((relative, text));
            }
        }
    }
}

/// Asks the system's resolver, all names at once; those without an answer in time stay unknown.
fn look_up(hosts: impl IntoIterator<Item = String>) -> Names {
    let mut names = Names::default();
    let (sender, answers) = mpsc::channel::<(String, Vec<IpAddr>)>();
    let mut asked = 0_usize;
    for host in hosts.into_iter().take(64) {
        let sender = sender.clone();
        // The resolver has no time limit of its own; a thread that waits for it ends with the program.
        let thread = thread::Builder::new().spawn(move || {
            let addresses = (host.as_str(), 0).to_socket_addrs().map(|found| found.map(|a| a.ip()).collect());
            let _ = sender.send((host, addresses.unwrap_or_default()));
        });
        asked += usize::from(thread.is_ok());
    }
    let end = Instant::now() + LOOK_UP;
    for _ in 0..asked {
        match answers.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok((host, addresses)) => names.insert(&host, addresses),
            Err(_) => break,
        }
    }
    names
}
