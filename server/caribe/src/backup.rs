//! `caribe backup`, `caribe restore`, and the backups that `caribe serve` makes by itself: passphrases, names and dates.
//! What is in a backup and how it is put back belongs to `console`.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use console::{
    Actor, BackupFolder, BackupMade, Console, Contents, Passphrase, Restorable, backup_made_at, backup_name,
};
use jiff::{SignedDuration, Timestamp};

use crate::settings::{self, Serve};
use crate::{accounts, cli};

/// How often it is looked whether a backup is due.
const ROUND: Duration = Duration::from_secs(60);
/// After one that failed.
const AGAIN: Duration = Duration::from_secs(600);

/// Makes a backup now.
pub(crate) async fn make(arguments: cli::Backup, settings: Serve) -> anyhow::Result<()> {
    let passphrase = passphrase(arguments.passphrase_file.as_deref(), true)?;
    let console = accounts::open(arguments.data, settings).await?;
    let file = match arguments.file.is_dir() {
        true => arguments.file.join(backup_name(Timestamp::now())),
        false => arguments.file,
    };
    let made = console.back_up(&Actor::local(), &file, &passphrase).await;
    console.stop().await;
    let BackupMade { file, size, .. } = made?;
    println!("{}: {size} bytes", file.display());
    println!("without the passphrase nobody can open it, you neither");
    Ok(())
}

/// Shows what is in a backup, and puts it into an empty folder.
pub(crate) async fn restore(arguments: cli::Restore, settings: Serve) -> anyhow::Result<()> {
    let passphrase = passphrase(arguments.passphrase_file.as_deref(), false)?;
    if arguments.dry_run {
        print!("{}", told(&Contents::of(&arguments.file, &passphrase).await?));
        println!("nothing was changed");
        return Ok(());
    }
    let data = arguments.data.unwrap_or(settings.data);
    let backup = Restorable::open(&arguments.file, &passphrase, &data).await?;
    print!("{}", told(&backup.contents));
    backup.restore()?;
    println!("restored into {}; start the console that uses this folder", data.display());
    Ok(())
}

/// What is in a backup, in lines for people.
fn told(contents: &Contents) -> String {
    let mut text = format!(
        "made        {} by caribe {}\nca          {}\naccounts    {}\n",
        contents.made,
        contents.version,
        contents.ca_fingerprint,
        contents.accounts.join(", ")
    );
    for (name, revision, directors) in &contents.clusters {
        let revision = revision.map_or_else(|| "nothing activated".to_owned(), |n| format!("revision {n}"));
        text.push_str(&format!("cluster     {name}: {revision}, {directors} directors joined\n"));
    }
    text
}

/// From the file, or asked for at the terminal (twice where it is a new one), or one line of standard input.
fn passphrase(file: Option<&Path>, new: bool) -> anyhow::Result<Passphrase> {
    let input = std::io::stdin();
    let text = match file {
        Some(file) => return Ok(Passphrase::from_file(file)?),
        None if input.is_terminal() => {
            let text = rpassword::prompt_password("Passphrase of the backup: ")?;
            if new && rpassword::prompt_password("Again: ")? != text {
                bail!("the two passphrases are not the same; nothing was written");
            }
            text
        }
        None => {
            let mut line = String::new();
            input.lock().read_line(&mut line).context("cannot read the passphrase from standard input")?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    Ok(Passphrase::new(&text)?)
}

/// What is to be done with the backups in a folder.
#[derive(Debug, Default, PartialEq, Eq)]
struct Due {
    /// Until the next one is to be made; none where that is now.
    wait: Option<SignedDuration>,
    /// Those that are more than are kept.
    surplus: Vec<String>,
}

/// Judges by the names alone. Names that are not ours are nobody's business.
fn due(names: &[String], settings: &settings::Backup, now: Timestamp) -> Due {
    let mut ours: Vec<&String> = names.iter().filter(|name| backup_made_at(name).is_some()).collect();
    ours.sort_unstable();
    let every = SignedDuration::from_hours(i64::from(settings.every_h));
    let wait = ours
        .last()
        .and_then(|name| backup_made_at(name))
        .map(|newest| every - now.duration_since(newest))
        .filter(|wait| wait.is_positive());
    let surplus = ours.len().saturating_sub(usize::from(settings.keep));
    Due { wait, surplus: ours.into_iter().take(surplus).cloned().collect() }
}

/// Where backups go, for the console to know; none where no folder is set.
pub(crate) fn folder(settings: &settings::Backup) -> Option<BackupFolder> {
    let settings::Backup { folder, passphrase_file, .. } = settings;
    (!folder.as_os_str().is_empty())
        .then(|| BackupFolder { folder: folder.clone(), passphrase_file: passphrase_file.clone() })
}

/// Makes backups as the settings say, until it is dropped. Nothing where the console knows no folder.
pub(crate) async fn keep(console: Console, settings: settings::Backup) {
    if console.backup_folder().is_none() {
        return;
    }
    loop {
        let wait = match round(&console, &settings).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(error = %crate::words::in_words(&error), "the backup was not made");
                AGAIN
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// One look at the folder; how long until the next.
async fn round(console: &Console, settings: &settings::Backup) -> anyhow::Result<Duration> {
    let there = match console.backups(&Actor::local()).await {
        Ok(there) => there,
        Err(error) => {
            console.backup_failed(&error.to_string()).await?;
            return Err(error.into());
        }
    };
    let mut names: Vec<String> = there.into_iter().map(|backup| backup.name).collect();
    let now = Timestamp::now();
    if due(&names, settings, now).wait.is_none() {
        let made = console.back_up_now(&Actor::local()).await?;
        tracing::info!(file = %made.file.display(), size = made.size, "backup made");
        names.extend(made.file.file_name().and_then(|name| Some(name.to_str()?.to_owned())));
    }
    for name in due(&names, settings, now).surplus {
        let path = settings.folder.join(name);
        std::fs::remove_file(&path).with_context(|| format!("{}", path.display()))?;
        tracing::info!(file = %path.display(), "an old backup was removed");
    }
    Ok(ROUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(every_h: u16, keep: u16) -> settings::Backup {
        settings::Backup { every_h, keep, ..settings::Backup::default() }
    }

    fn names(stamps: &[&str]) -> Vec<String> {
        stamps.iter().map(|stamp| format!("caribe-console-{stamp}.backup")).collect()
    }

    #[test]
    fn a_backup_is_due_when_the_newest_is_old_enough() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        assert_eq!(due(&[], &settings(24, 14), now).wait, None);
        let yesterday = names(&["20261121T130000Z", "20261120T130000Z"]);
        assert_eq!(due(&yesterday, &settings(24, 14), now).wait, Some(SignedDuration::from_hours(1)));
        assert_eq!(due(&yesterday, &settings(23, 14), now).wait, None);
    }

    #[test]
    fn the_oldest_go_and_what_has_another_name_stays() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let mut there = names(&["20261121T130000Z", "20261119T130000Z", "20261120T130000Z"]);
        there.push("caribe-console-before-upgrade.backup".to_owned());
        there.push("notes.txt".to_owned());
        assert_eq!(due(&there, &settings(24, 2), now).surplus, names(&["20261119T130000Z"]));
        assert_eq!(due(&there, &settings(24, 3), now).surplus, names(&[]));
    }
}
