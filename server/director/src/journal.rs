//! The agent's journal: what has happened here, numbered, kept on disk, and sent to whoever listens.
//!
//! Noting never waits: an entry goes to a thread of its own, which numbers it, writes it and wakes the streams. The
//! heartbeat's thread notes nothing itself. A disk that fails costs entries after a restart, nothing else. The file is
//! one JSON object a line; at [`FILE_LIMIT`] it becomes the one before, and the one before that is forgotten.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use lvs::journal::{Entry, Happening};
use lvs::metrics::Tally;
use tokio::sync::watch;

pub(crate) const FILE: &str = "journal.ndjson";
const BEFORE: &str = "journal.before.ndjson";
/// Some ten thousand entries.
const FILE_LIMIT: u64 = 2 << 20;
/// Entries that a console which was away can still get.
const KEPT: usize = 5_000;
/// Entries in one line of the stream.
const AT_ONCE: usize = 100;

/// The way to the journal. Clones are the same journal.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    notes: Sender<Option<(i64, Happening)>>,
    kept: Arc<Kept>,
}

#[derive(Debug)]
struct Kept {
    entries: Mutex<VecDeque<Entry>>,
    /// The newest number.
    last: watch::Sender<u64>,
    /// How often the state changed.
    tally: Mutex<Tally>,
}

/// What the journal's thread is made of.
#[derive(Debug)]
pub(crate) struct Scribe {
    notes: Receiver<Option<(i64, Happening)>>,
    kept: Arc<Kept>,
    folder: PathBuf,
}

/// The newest entries below a folder, the oldest first; what cannot be read is as good as not there.
pub(crate) fn newest(folder: &Path, count: usize) -> Vec<Entry> {
    let files = [BEFORE, FILE].into_iter().filter_map(|name| read(&folder.join(name)).ok());
    let mut entries: Vec<Entry> = files.flatten().collect();
    entries.drain(..entries.len().saturating_sub(count));
    entries
}

impl Journal {
    /// Opens the journal below a folder; what was noted before is there again. Nothing is written until the scribe is
    /// started.
    pub(crate) fn open(folder: &Path) -> (Self, Scribe) {
        let mut entries = VecDeque::new();
        for name in [BEFORE, FILE] {
            match read(&folder.join(name)) {
                Ok(found) => entries.extend(found),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(%error, file = name, "a part of the journal cannot be read"),
            }
        }
        entries.drain(..entries.len().saturating_sub(KEPT));
        let last = entries.back().map_or(0, |entry| entry.number);
        let kept = Arc::new(Kept {
            entries: Mutex::new(entries),
            last: watch::Sender::new(last),
            tally: Mutex::default(),
        });
        let (sender, notes) = channel();
        let scribe = Scribe { notes, kept: kept.clone(), folder: folder.to_owned() };
        (Journal { notes: sender, kept }, scribe)
    }

    /// Notes what happens now.
    pub(crate) fn note(&self, what: Happening) {
        self.note_at(SystemTime::now(), what);
    }

    /// Notes what happened at that moment.
    pub(crate) fn note_at(&self, at: SystemTime, what: Happening) {
        if let Happening::State { from, to, reason, .. } = &what {
            self.kept.tally.lock().unwrap_or_else(PoisonError::into_inner).moved(*from, *to, *reason);
        }
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        // Without its thread the agent has ended, and nobody reads any more.
        let _ = self.notes.send(Some((i64::try_from(since.as_millis()).unwrap_or(i64::MAX), what)));
    }

    /// How often the state changed since the agent started.
    pub(crate) fn tally(&self) -> Tally {
        self.kept.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the journal's thread once everything noted so far is written.
    pub(crate) fn close(&self) {
        let _ = self.notes.send(None);
    }

    /// A reader that has all entries up to this number.
    pub(crate) fn reader(&self, after: u64) -> Reader {
        let mut last = self.kept.last.subscribe();
        last.mark_changed();
        Reader { kept: self.kept.clone(), last, after }
    }
}

impl Kept {
    fn entries(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stream's place in the journal.
#[derive(Debug)]
pub(crate) struct Reader {
    kept: Arc<Kept>,
    last: watch::Receiver<u64>,
    after: u64,
}

impl Reader {
    /// The next entries, the oldest first; waits until there are some, for ever where the journal has ended.
    pub(crate) async fn next(&mut self) -> Vec<Entry> {
        loop {
            let entries: Vec<Entry> = {
                let kept = self.kept.entries();
                let first = kept.partition_point(|entry| entry.number <= self.after);
                kept.iter().skip(first).take(AT_ONCE).cloned().collect()
            };
            if let Some(newest) = entries.last() {
                self.after = newest.number;
                return entries;
            }
            // The sender lives as long as what is kept.
            let _ = self.last.changed().await;
        }
    }
}

impl Scribe {
    /// Starts the thread; it ends with [`Journal::close`], or when the last way to the journal is dropped.
    pub(crate) fn start(self) -> io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || self.run())
    }

    fn run(self) {
        let mut file = Book::new(self.folder);
        let mut failing = false;
        while let Ok(Some((at_ms, what))) = self.notes.recv() {
            // Above everything ever given, also where the file was lost: the clock in milliseconds, with room.
            let by_clock = u64::try_from(at_ms).unwrap_or(0) << 8;
            let number = by_clock.max(*self.kept.last.borrow() + 1);
            let entry = Entry { number, at_ms, what };
            match file.append(&entry) {
                Ok(()) => failing = false,
                Err(error) => {
                    if !failing {
                        tracing::error!(%error, "the journal cannot be written");
                    }
                    failing = true;
                }
            }
            {
                let mut entries = self.kept.entries();
                entries.push_back(entry);
                let surplus = entries.len().saturating_sub(KEPT);
                entries.drain(..surplus);
            }
            self.kept.last.send_replace(number);
        }
    }
}

/// The file that is appended to.
struct Book {
    folder: PathBuf,
    file: Option<(File, u64)>,
}

impl Book {
    fn new(folder: PathBuf) -> Self {
        Book { folder, file: None }
    }

    fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let path = self.folder.join(FILE);
        if self.file.as_ref().is_some_and(|(_, length)| *length > FILE_LIMIT) {
            self.file = None;
            fs::rename(&path, self.folder.join(BEFORE))?;
        }
        let (file, length) = match &mut self.file {
            Some(open) => open,
            closed => {
                let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
                let length = file.metadata()?.len();
                closed.insert((file, length))
            }
        };
        // A line that was cut by a full disk must not swallow this one.
        let written = file.write_all(&line);
        *length += line.len() as u64;
        if written.is_err() {
            self.file = None;
        }
        written
    }
}

/// The entries of a file; lines that cannot be read are left out.
fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    // Never more than a file can have, whatever lies there.
    file.seek(SeekFrom::Start(length.saturating_sub(2 * FILE_LIMIT)))?;
    let mut bytes = Vec::new();
    file.take(2 * FILE_LIMIT).read_to_end(&mut bytes)?;
    let mut entries: Vec<Entry> =
        bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    // Numbers rise; a file that somebody put together by hand is read as far as it makes sense.
    let mut highest = 0;
    entries.retain(|entry| {
        let rises = entry.number > highest;
        highest = highest.max(entry.number);
        rises
    });
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(journal: &Journal, count: usize) -> Vec<Entry> {
        let mut reader = journal.reader(0);
        let mut found = Vec::new();
        while found.len() < count {
            found.extend(reader.next().await);
        }
        found
    }

    fn repaired(row: usize) -> Happening {
        Happening::Repaired { row: row.to_string() }
    }

    #[tokio::test]
    async fn entries_are_numbered_upwards_kept_and_read_again() {
        let place = tempfile::tempdir().unwrap();
        let (journal, scribe) = Journal::open(place.path());
        let thread = scribe.start().unwrap();
        for row in 0..250 {
            journal.note(repaired(row));
        }
        let first = all(&journal, 250).await;
        assert!(first.windows(2).all(|pair| pair[0].number < pair[1].number));
        assert_eq!(first[249].what, repaired(249));
        let mut reader = journal.reader(first[199].number);
        assert_eq!(reader.next().await, first[200..]);
        drop(journal);
        thread.join().unwrap();
        drop(reader);

        // A cut line at the end costs that line alone.
        let path = place.path().join(FILE);
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 10]).unwrap();
        let (journal, scribe) = Journal::open(place.path());
        let thread = scribe.start().unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"\n").unwrap();
        journal.note_at(UNIX_EPOCH, repaired(900));
        let second = all(&journal, 250).await;
        assert_eq!(second[..249], first[..249]);
        assert_eq!(
            second[249].number,
            first[248].number + 1,
            "a clock that was set back does not reuse numbers"
        );
        drop(journal);
        thread.join().unwrap();
    }

    #[tokio::test]
    async fn a_file_does_not_grow_for_ever() {
        let place = tempfile::tempdir().unwrap();
        let (journal, scribe) = Journal::open(place.path());
        let thread = scribe.start().unwrap();
        let long = "x".repeat(100_000);
        for _ in 0..60 {
            journal.note(Happening::LeaseFailed { reason: long.clone() });
        }
        drop(journal);
        thread.join().unwrap();
        let size = |name| fs::metadata(place.path().join(name)).unwrap().len();
        assert!(size(FILE) <= FILE_LIMIT + 200_000 && size(BEFORE) <= FILE_LIMIT + 200_000);
        let (journal, _) = Journal::open(place.path());
        assert!(!all(&journal, 20).await.is_empty());
    }
}
