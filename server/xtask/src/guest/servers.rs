//! Servers as the distribution brings them, for scenarios that put checks to them: nginx, PostgreSQL, Redis, dnsmasq, in an
//! archive of their own beside the base, because only those scenarios wait for it to be unpacked.
//! Never starts one, and takes no settings and no data of this machine. Called by [`super::Guest`].

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::archive::Archive;
use super::{image, libraries};
use crate::system;

/// Programs of PostgreSQL: what makes a database, and the server.
const PROGRAMS: &[&str] = &["initdb", "postgres"];
/// Modules of its server that every new database has.
const MODULES: &[&str] = &["dict_snowball.so", "plpgsql.so"];
/// What of its shared files no server reads.
const UNREAD: &[&str] = &["contrib", "man"];
/// The only extension that every new database has.
const EXTENSION: &str = "plpgsql";

/// The archive, built unless one of the same content is there.
pub(super) fn archive(folder: &Path) -> Result<PathBuf> {
    let (mut files, mut links) = (BTreeSet::new(), Vec::new());
    for server in system::ALONG_THE_PATH {
        let place = fs::canonicalize(system::program(server.program)?)?;
        // Some behave by the name that they are called by.
        links.push((format!("usr/sbin/{}", server.program), libraries::merged(&place)));
        files.extend(libraries::of(&place)?);
        files.insert(place);
    }
    files.extend(postgres()?);
    let mut hash = Sha256::new();
    hash.update(include_str!("servers.rs"));
    for file in &files {
        hash.update(file.to_string_lossy().as_bytes());
        hash.update(Sha256::digest(fs::read(file)?));
    }
    image::kept(folder, "servers", hash, || {
        eprintln!("xtask: building the image of the distribution's servers");
        let mut archive = Archive::default();
        for file in &files {
            archive.copy(&libraries::merged(file), file)?;
        }
        for (name, target) in &links {
            archive.link(name, target)?;
        }
        archive.finish()
    })
}

/// PostgreSQL's programs, with what they read to make a database and to serve it.
fn postgres() -> Result<BTreeSet<PathBuf>> {
    let versions = fs::read_dir(system::POSTGRES_FOLDER).context("PostgreSQL is not installed")?;
    let programs = versions.filter_map(|entry| Some(entry.ok()?.path()));
    let version = programs.filter(|version| version.join("bin/postgres").is_file()).max();
    let version = version.context("PostgreSQL has no server here")?;
    let number = version.file_name().context("a version")?;
    let mut files = BTreeSet::new();
    for program in PROGRAMS {
        let program = version.join("bin").join(program);
        files.extend(libraries::of(&program)?);
        files.insert(program);
    }
    files.extend(MODULES.iter().map(|module| version.join("lib").join(module)));
    shared(&Path::new("/usr/share/postgresql").join(number), &mut files)?;
    Ok(files)
}

/// The files of a folder and those below it, as far as a server reads them.
fn shared(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !UNREAD.contains(&name.as_ref()) {
                shared(&path, files)?;
            }
        } else if !folder.ends_with("extension") || name.starts_with(EXTENSION) {
            files.insert(path);
        }
    }
    Ok(())
}
