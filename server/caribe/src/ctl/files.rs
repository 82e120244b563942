//! `get`, `import`, `export`: configurations as files.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::client::{Client, part};
use super::show::{at, items};
use super::words::Import;
use super::{Done, cluster_path, tree};
use crate::cli::To;

/// The console takes 2 MiB a file.
const LARGEST: u64 = 4 << 20;

/// A cluster as it is declared.
pub(super) async fn get(
    client: &Client,
    cluster: &str,
    folder: Option<&Path>,
    running: bool,
) -> Result<Done> {
    let view = if running { "?view=running" } else { "" };
    let answer = client.get(&format!("{}{view}", cluster_path(cluster))).await?.body;
    let declaration = tree::declaration(answer);
    let text = match folder {
        None => tree::to_toml(&declaration)?,
        Some(folder) => {
            let changed = tree::write(&declaration, folder)?;
            changed.iter().map(|path| format!("{}\n", path.display())).collect()
        }
    };
    Ok(Done::all(declaration, text))
}

/// Files become a draft.
pub(super) async fn import(client: &Client, asked: &Import) -> Result<Done> {
    let mut files = Vec::new();
    for path in &asked.files {
        files.push(json!({ "name": path.display().to_string(), "text": load(path)? }));
    }
    let kind = asked.from.kind().map_or("auto", lvs::format::FileKind::as_str);
    let mut body = json!({ "files": files, "kind": kind, "default_timers": asked.default_timers });
    if let Some(body) = body.as_object_mut() {
        let more = [("name", &asked.name), ("candidate", &asked.candidate)];
        for (key, value) in more {
            if let Some(value) = value {
                body.insert(key.to_owned(), value.clone().into());
            }
        }
    }
    let path = asked
        .into
        .as_deref()
        .map_or_else(|| "/imports".to_owned(), |into| format!("{}/imports", cluster_path(into)));
    let answer = client.post(&path, &body).await?.body;
    let mut text = String::new();
    for finding in items(&answer, "/findings") {
        let part = |pointer: &str| at(finding, pointer);
        text.push_str(&format!(
            "{}:{}:{}: {}: {} [{}]\n",
            part("/file"),
            part("/line"),
            part("/column"),
            part("/severity"),
            part("/text"),
            part("/code")
        ));
    }
    let name = at(&answer, "/draft/content/name");
    text.push_str(&format!(
        "the draft of {name} is ready; see `caribe ctl plan {name}`, then `caribe ctl activate {name}`\n"
    ));
    Ok(Done::all(answer, text))
}

/// A cluster as files of another kind.
pub(super) async fn export(client: &Client, cluster: &str, to: To, folder: Option<&Path>) -> Result<Done> {
    let path = format!("{}/exports/{}", cluster_path(cluster), part(to.kind().as_str()));
    let answer = client.get(&path).await?.body;
    for finding in items(&answer, "/left_out") {
        eprintln!("warning: {} [{}]", at(finding, "/text"), at(finding, "/code"));
    }
    let mut text = String::new();
    for file in items(&answer, "/files") {
        let (name, content) =
            (at(file, "/name"), file.get("text").and_then(Value::as_str).unwrap_or_default());
        match folder {
            None => text.push_str(content),
            Some(folder) => {
                // What the console calls a file is not a path of ours.
                let name = Path::new(&name).file_name().context("a file without a name")?;
                let path = folder.join(name);
                fs::create_dir_all(folder)
                    .and_then(|()| fs::write(&path, content))
                    .with_context(|| path.display().to_string())?;
                text.push_str(&format!("{}\n", path.display()));
            }
        }
    }
    if folder.is_none() && items(&answer, "/files").count() > 1 {
        bail!("these are several files, one for each director; say --folder FOLDER");
    }
    Ok(Done::all(answer, text))
}

fn load(path: &Path) -> Result<String> {
    let about = || path.display().to_string();
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
    }
    .with_context(about)?;
    String::from_utf8(bytes).ok().with_context(|| {
        format!("{}: this is no UTF-8 text; `caribe check` says more about it", path.display())
    })
}
