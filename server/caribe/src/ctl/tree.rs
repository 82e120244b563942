//! A cluster as files for people and for Git: one TOML or JSON file, or a folder with a file for each director and each
//! virtual server.
//!
//! Ids are the console's own and are left out: what is called the same is the same. A file that is there keeps its
//! comments and the order of its keys when it is written again. Knows no console; called by the commands of `ctl`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item, Table};

/// The file for everything that has no file of its own.
const CLUSTER: &str = "cluster.toml";
/// Lists that have a folder of their own, with a file for each member.
const FOLDERS: [(&str, &str); 2] = [("directors", "directors"), ("virtual_servers", "virtual-servers")];
/// Members of answers that say no wish.
const ANSWERED: [&str; 3] = ["running_revision", "draft", "activation"];
/// The most that is read of one file.
const LARGEST: u64 = 8 << 20;

/// What the API answers, as a declaration: without ids and what only the console knows.
pub(super) fn declaration(mut answer: Value) -> Value {
    if let Some(members) = answer.as_object_mut() {
        members.retain(|name, _| !ANSWERED.contains(&name.as_str()));
    }
    without_ids(&mut answer);
    answer
}

fn without_ids(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("id").filter(|id| !id.is_string()).map(|id| members.insert("id".to_owned(), id));
            // TOML has no nothing; what is absent and what is null are the same to the console.
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(without_ids);
        }
        Value::Array(items) => items.iter_mut().for_each(without_ids),
        _ => {}
    }
}

/// A declaration as TOML.
pub(super) fn to_toml(declaration: &Value) -> Result<String> {
    toml::to_string(declaration).context("the cluster cannot be written as TOML")
}

/// Reads a declaration from a TOML or JSON file, a folder, or (`-`) TOML on standard input.
pub(super) fn read(path: &Path) -> Result<Value> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().take(LARGEST).read_to_string(&mut text).context("standard input")?;
        return parse(&text, Path::new("standard input"));
    }
    if !path.is_dir() {
        return parse(&load(path)?, path);
    }
    let mut declaration = parse(&load(&path.join(CLUSTER))?, &path.join(CLUSTER))?;
    let members = declaration.as_object_mut().context("a cluster is a table")?;
    for (list, folder) in FOLDERS {
        if members.contains_key(list) {
            bail!("{}: {list} belong into the folder {folder}, a file each", path.join(CLUSTER).display());
        }
        let mut all = Vec::new();
        for file in files(&path.join(folder))? {
            let member = parse(&load(&file)?, &file)?;
            if member.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
                bail!("{}: a name is expected", file.display());
            }
            all.push(member);
        }
        members.insert(list.to_owned(), Value::Array(all));
    }
    Ok(declaration)
}

/// Puts the members of lists into the order they have in `before`, so that only differences are differences; new ones
/// stand behind, in the order of their files.
pub(super) fn in_order_of(declaration: &mut Value, before: &Value) {
    for (list, _) in FOLDERS {
        let places: Vec<String> =
            before.get(list).and_then(Value::as_array).into_iter().flatten().map(name_of).collect();
        if let Some(items) = declaration.get_mut(list).and_then(Value::as_array_mut) {
            items.sort_by_key(|item| {
                let name = name_of(item);
                places.iter().position(|place| *place == name).unwrap_or(places.len())
            });
        }
    }
}

fn name_of(member: &Value) -> String {
    member.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn parse(text: &str, path: &Path) -> Result<Value> {
    let about = || format!("{} cannot be read", path.display());
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).with_context(about);
    }
    toml::from_str(text).with_context(about)
}

fn load(path: &Path) -> Result<String> {
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(LARGEST).read_to_string(&mut text))
        .with_context(|| path.display().to_string())?;
    Ok(text)
}

/// The TOML files of a folder by name; none where there is no folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Writes a declaration as a folder. Files of members that are gone are removed, other files are left alone. Returns
/// what was written anew or removed.
pub(super) fn write(declaration: &Value, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut changed = Vec::new();
    let mut rest = declaration.as_object().cloned().context("a cluster is an object")?;
    for (list, below) in FOLDERS {
        let below = folder.join(below);
        let members = match rest.remove(list) {
            Some(Value::Array(members)) => members,
            _ => Vec::new(),
        };
        let known = names(&below)?;
        let mut kept = BTreeSet::new();
        for member in &members {
            let name = name_of(member);
            // A member stays in the file it is in, whatever that is called.
            let at = known.iter().find(|(found, _)| *found == name).map(|(_, path)| path.clone());
            let path = at.unwrap_or_else(|| below.join(format!("{}.toml", file_name(&name, &kept, &below))));
            kept.insert(path.clone());
            let object = member.as_object().context("a member of a list is an object")?;
            update(&path, object, &mut changed)?;
        }
        for (_, path) in known {
            if !kept.contains(&path) {
                fs::remove_file(&path).with_context(|| path.display().to_string())?;
                changed.push(path);
            }
        }
    }
    update(&folder.join(CLUSTER), &rest, &mut changed)?;
    changed.sort();
    Ok(changed)
}

/// The members that files of a folder describe.
fn names(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    files(folder)?.into_iter().map(|path| Ok((name_of(&parse(&load(&path)?, &path)?), path))).collect()
}

/// A name as a file's: what file systems and eyes find harmless, and not one that is taken.
fn file_name(name: &str, taken: &BTreeSet<PathBuf>, below: &Path) -> String {
    let plain = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => character,
        _ => '_',
    };
    let base: String = name.chars().map(plain).collect();
    let base = base.trim_start_matches('.').to_owned();
    let free = |name: &String| {
        let path = below.join(format!("{name}.toml"));
        !name.is_empty() && !taken.contains(&path)
    };
    let numbered = (2..).map(|number| format!("{base}_{number}"));
    std::iter::once(base.clone()).chain(numbered).find(free).unwrap_or(base)
}

fn update(path: &Path, members: &Map<String, Value>, changed: &mut Vec<PathBuf>) -> Result<()> {
    let old = if path.exists() { load(path)? } else { String::new() };
    let about = || format!("{} cannot be written", path.display());
    let mut document: DocumentMut =
        old.parse().with_context(|| format!("{} cannot be read", path.display()))?;
    let fresh: DocumentMut = toml::to_string(members).with_context(about)?.parse().with_context(about)?;
    merge(document.as_table_mut(), fresh.as_table());
    let text = document.to_string();
    if text != old {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(about)?;
        }
        fs::write(path, text).with_context(about)?;
        changed.push(path.to_owned());
    }
    Ok(())
}

/// Makes a table say what `fresh` says; what says it already is not touched, comments and all.
fn merge(table: &mut Table, fresh: &Table) {
    let gone: Vec<String> =
        table.iter().map(|(key, _)| key.to_owned()).filter(|key| !fresh.contains_key(key)).collect();
    for key in gone {
        table.remove(&key);
    }
    for (key, wanted) in fresh {
        match (table.get_mut(key), wanted) {
            (Some(Item::Table(old)), Item::Table(new)) => merge(old, new),
            (Some(Item::ArrayOfTables(old)), Item::ArrayOfTables(new)) if old.len() == new.len() => {
                old.iter_mut().zip(new.iter()).for_each(|(old, new)| merge(old, new));
            }
            (Some(old), wanted) if same(old, wanted) => {}
            (Some(Item::Value(old)), Item::Value(new)) => {
                let mut new = new.clone();
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
            (Some(old), wanted) => *old = wanted.clone(),
            (None, wanted) => {
                table.insert(key, wanted.clone());
            }
        }
    }
}

/// Whether two items say the same, however they are written.
fn same(one: &Item, other: &Item) -> bool {
    let meaning = |item: &Item| -> Option<Value> {
        let mut document = DocumentMut::new();
        document.insert("it", item.clone());
        toml::from_str(&document.to_string()).ok()
    };
    matches!((meaning(one), meaning(other)), (Some(one), Some(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster() -> Value {
        declaration(json!({
            "id": "cl_1", "running_revision": 3, "draft": false,
            "name": "web", "global": { "timeouts": {}, "drift": "repair" },
            "directors": [
                { "id": "d1", "name": "b", "seat": "primary", "public": "192.0.2.1", "private": null },
                { "id": "d2", "name": "a", "seat": "backup", "public": "192.0.2.2" },
            ],
            "redundancy": { "sync": { "enabled": false, "id": 0 } },
            "virtual_servers": [{
                "id": "vs_1", "name": "http/80", "port": 80,
                "real_servers": [{ "id": "rs_1", "name": "one", "address": "10.0.0.1", "weight": 1 }],
            }],
        }))
    }

    #[test]
    fn a_folder_reads_back_as_what_was_written_and_nothing_is_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let cluster = cluster();
        assert_eq!(write(&cluster, folder.path()).unwrap().len(), 4);
        assert!(folder.path().join("virtual-servers/http_80.toml").exists());
        let mut again = read(folder.path()).unwrap();
        in_order_of(&mut again, &cluster);
        assert_eq!(again, cluster);
        assert_eq!(write(&cluster, folder.path()).unwrap(), Vec::<PathBuf>::new());
        let file = folder.path().join("one.toml");
        fs::write(&file, to_toml(&cluster).unwrap()).unwrap();
        assert_eq!(read(&file).unwrap(), cluster);
        fs::write(&file, cluster.to_string()).unwrap();
        assert_eq!(read(&file).unwrap(), cluster);
    }

    #[test]
    fn comments_and_order_stay_and_members_that_are_gone_lose_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut cluster = cluster();
        write(&cluster, folder.path()).unwrap();
        let path = folder.path().join("virtual-servers/http_80.toml");
        let renamed = folder.path().join("virtual-servers/shop.toml");
        let text = "# the shop, ask Eve\nport = 80 # by contract\nname = \"http/80\"\n\n[[real_servers]]\n# rack 7\nname = \"one\"\nweight = 1\naddress = \"10.0.0.1\"\n";
        fs::remove_file(path).unwrap();
        fs::write(&renamed, text).unwrap();
        assert_eq!(write(&cluster, folder.path()).unwrap(), Vec::<PathBuf>::new());

        *cluster.pointer_mut("/virtual_servers/0/real_servers/0/weight").unwrap() = json!(5);
        *cluster.pointer_mut("/virtual_servers/0/port").unwrap() = json!(8080);
        cluster.pointer_mut("/directors").unwrap().as_array_mut().unwrap().pop();
        let changed = write(&cluster, folder.path()).unwrap();
        assert_eq!(changed, [folder.path().join("directors/a.toml"), renamed.clone()]);
        let now = fs::read_to_string(&renamed).unwrap();
        assert_eq!(now, text.replace("weight = 1", "weight = 5").replace("port = 80 ", "port = 8080 "));
        assert!(!folder.path().join("directors/a.toml").exists());
    }

    #[test]
    fn what_cannot_be_read_names_its_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        write(&cluster(), folder.path()).unwrap();
        fs::write(folder.path().join("directors/x.toml"), "seat = \"primary\"\nname = \n").unwrap();
        let error = format!("{:#}", read(folder.path()).unwrap_err());
        assert!(error.contains("directors/x.toml") && error.contains("line 2"), "{error}");
        fs::write(folder.path().join("directors/x.toml"), "seat = \"primary\"\n").unwrap();
        assert!(format!("{:#}", read(folder.path()).unwrap_err()).contains("a name is expected"));
    }

    #[test]
    fn two_names_that_look_alike_get_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut cluster = cluster();
        let members = cluster.pointer_mut("/virtual_servers").unwrap().as_array_mut().unwrap();
        members.push(json!({ "name": "http:80" }));
        members.push(json!({ "name": "../x" }));
        write(&cluster, folder.path()).unwrap();
        let found: Vec<_> = files(&folder.path().join("virtual-servers")).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        let mut again = read(folder.path()).unwrap();
        in_order_of(&mut again, &cluster);
        assert_eq!(again, cluster);
    }
}
