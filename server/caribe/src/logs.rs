//! Logging set-up: one line an event on standard error, as text or JSON.
//!
//! A program that runs for long never waits for who reads its lines: they go through a queue to a thread of their own, and
//! where that is full because the reader hangs, lines are lost, and once it reads again that is said.

use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Lines that wait for the reader; a few MiB.
const QUEUE: usize = 16_384;
/// How often it is looked whether lines were lost.
const LOOK: Duration = Duration::from_secs(10);

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Who writes the lines; dropped at the end of the program, it waits a moment for the last of them.
pub(crate) struct Log {
    lost: Option<ErrorCounter>,
    _queue: Option<WorkerGuard>,
}

/// Starts logging to standard error. `filter` is a level or a list such as `info,director=debug`; `lasting` is a program that
/// must not wait for the reader.
pub(crate) fn start(format: LogFormat, filter: &str, lasting: bool) -> anyhow::Result<Log> {
    let filter =
        EnvFilter::try_new(filter).map_err(|error| anyhow::anyhow!("log filter {filter:?}: {error}"))?;
    let (writer, log) = if lasting {
        let (writer, guard) = queued(std::io::stderr(), QUEUE);
        let lost = Some(writer.error_counter());
        (BoxMakeWriter::new(writer), Log { lost, _queue: Some(guard) })
    } else {
        (BoxMakeWriter::new(std::io::stderr), Log { lost: None, _queue: None })
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    Ok(log)
}

impl Log {
    /// Says, as long as the program runs, how many lines were lost.
    pub(crate) fn tell_losses(&self) -> impl Future<Output = ()> + use<> {
        let lost = self.lost.clone();
        async move {
            let Some(lost) = lost else { return };
            let mut told = 0;
            loop {
                tokio::time::sleep(LOOK).await;
                let now = lost.dropped_lines();
                if now > told {
                    tracing::warn!(
                        lines = now - told,
                        "lines of this log were lost: its reader did not keep up"
                    );
                    told = now;
                }
            }
        }
    }
}

/// A way to write lines that never waits: they are written by a thread of its own, in their order.
fn queued(into: impl Write + Send + 'static, lines: usize) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().lossy(true).buffered_lines_limit(lines).thread_name("log").finish(into)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A reader that takes no line until it is told to.
    struct Hanging {
        goes_on: Receiver<()>,
        read: Sender<String>,
    }

    impl Write for Hanging {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.goes_on.recv();
            let _ = self.read.send(String::from_utf8_lossy(line).into_owned());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_reader_that_hangs() {
        let (go_on, goes_on) = channel();
        let (read, lines) = channel();
        let (writer, guard) = queued(Hanging { goes_on, read }, 4);
        let lost = writer.error_counter();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(writer).finish();
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..100 {
                tracing::info!(number, "a line");
            }
        });
        assert!(lost.dropped_lines() >= 90, "{} lines were lost", lost.dropped_lines());
        drop(go_on);
        drop(guard);
        let lines: Vec<String> = lines.into_iter().collect();
        assert_eq!(lines.len() + lost.dropped_lines(), 100, "{lines:?}");
        let first = lines.first().unwrap();
        assert!(first.contains("a line number=0"), "in their order: {first}");
    }
}
