//! The texts that are read together: those that were given, and those beside them that `include` names.
//!
//! Opens no file: the folder is a map from relative path to text. Files that came one by one, as uploads do, are known
//! by their names alone, so an `include` finds them by the last part of its path. Called by `syntax`; the names are what
//! findings are printed with.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::FileIndex;
use super::{glob, syntax};
use crate::format::source::Source;

/// Folders that keepalived's files are in.
const HOMES: [&str; 2] = ["/etc/keepalived/", "/usr/local/etc/keepalived/"];
/// Files that one `include` may name.
const MOST_AT_ONCE: usize = 1_000;

/// The texts of one reading.
#[derive(Debug)]
pub(super) struct Texts<'t> {
    names: Vec<String>,
    /// Folders that absolute paths may begin with; what follows is looked up in the map.
    roots: Vec<String>,
    folder: Option<&'t BTreeMap<String, String>>,
    /// Those that came from the map.
    included: BTreeMap<&'t str, FileIndex>,
    /// Those that were given and are no node's own file: another one of them includes them.
    parts: Vec<Part<'t>>,
}

/// A given text that another one includes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part<'t> {
    file: FileIndex,
    name: &'t str,
    text: &'t str,
    /// It is included by its name, so no pattern means it.
    exact: bool,
}

/// What an `include` leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Included<'t> {
    /// These texts, in the order in which they are read; at least one.
    Files(Vec<(FileIndex, &'t str)>),
    /// The folder holds nothing of that name.
    Nothing,
    /// No folder was handed in.
    NoFolder,
}

impl<'t> Texts<'t> {
    /// The given texts by name; the n-th is `FileIndex(n)`.
    pub(super) fn new<'n>(
        names: impl IntoIterator<Item = &'n str>,
        folder: Option<&'t BTreeMap<String, String>>,
    ) -> Texts<'t> {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mut roots: Vec<String> = HOMES.into_iter().chain(["/"]).map(str::to_owned).collect();
        let folders = names.iter().filter_map(|name| name.rfind('/').and_then(|at| name.get(..=at)));
        roots.splice(0..0, folders.filter(|folder| folder.starts_with('/')).map(str::to_owned));
        // A given text is in the folder too, if it is the folder that it was given from.
        let own = names.iter().enumerate().filter_map(|(index, name)| {
            let file_name = name.rsplit('/').next().unwrap_or(name);
            let (path, _) = folder?.get_key_value(file_name)?;
            Some((path.as_str(), FileIndex(index)))
        });
        let included = own.collect();
        Texts { names, roots, folder, included, parts: Vec::new() }
    }

    /// The given texts that are nodes. The others are included by one of them, and are found when they are.
    pub(super) fn nodes<'s>(&mut self, sources: &[Source<'s>]) -> Vec<FileIndex>
    where
        's: 't,
    {
        if sources.len() < 2 {
            return (0..sources.len()).map(FileIndex).collect();
        }
        let looks: Vec<Look> = sources.iter().map(|source| Look::at(source.text)).collect();
        let mut nodes = Vec::new();
        for (index, (source, own)) in sources.iter().zip(&looks).enumerate() {
            let file = FileIndex(index);
            let others =
                || looks.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, look)| look);
            let exact = others()
                .any(|other| other.includes.iter().any(|path| is_exact(path) && is_meant(path, source.name)));
            if exact || others().any(|other| other.takes_in(source.name, own)) {
                self.parts.push(Part { file, name: source.name, text: source.text, exact });
            } else {
                nodes.push(file);
            }
        }
        if nodes.is_empty() && !self.parts.is_empty() {
            // Files that include each other; one has to be somebody's own.
            nodes.push(self.parts.remove(0).file);
        }
        nodes
    }

    /// Whether a text is one of the given ones that others include.
    pub(super) fn is_part(&self, file: FileIndex) -> bool {
        self.parts.iter().any(|part| part.file == file)
    }

    /// All names, those of included texts behind those that were given.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The texts that a path or pattern means which stands in one of the texts.
    pub(super) fn include(&mut self, from: FileIndex, pattern: &str) -> Included<'t> {
        let mut files = Vec::new();
        for pattern in glob::alternatives(pattern) {
            let fits = |part: &&Part<'_>| !part.exact || is_exact(&pattern);
            let given = self.parts.iter().filter(fits).filter(|part| is_meant(&pattern, part.name));
            files.extend(given.map(|part| (part.file, part.text)).take(MOST_AT_ONCE));
            let Some(folder) = self.folder else { continue };
            for path in self.paths(folder, from, &pattern) {
                if files.len() >= MOST_AT_ONCE {
                    break;
                }
                let Some((path, text)) = folder.get_key_value(path) else { continue };
                // The same file from its folder and given by itself is one.
                if !self.parts.iter().any(|part| is_meant(path, part.name) && part.text == text) {
                    files.push((self.index(path), text.as_str()));
                }
            }
        }
        match files.is_empty() {
            false => Included::Files(files),
            true if self.folder.is_none() && self.names.len() < 2 => Included::NoFolder,
            true => Included::Nothing,
        }
    }

    fn paths(&self, folder: &'t BTreeMap<String, String>, from: FileIndex, pattern: &str) -> Vec<&'t str> {
        let matching = |pattern: &str| -> Vec<&'t str> {
            folder.keys().map(String::as_str).filter(|path| glob::matches(pattern, path)).collect()
        };
        if !pattern.starts_with('/') {
            let around =
                self.included.iter().find(|(_, index)| **index == from).map_or("", |(path, _)| *path);
            let around = around.rfind('/').and_then(|at| around.get(..=at)).unwrap_or("");
            return normalised(&format!("{around}{pattern}")).map_or_else(Vec::new, |path| matching(&path));
        }
        let Some(absolute) = normalised(pattern) else { return Vec::new() };
        let absolute = format!("/{absolute}");
        let relative = self.roots.iter().filter_map(|root| absolute.strip_prefix(root.as_str()));
        relative.map(matching).find(|paths| !paths.is_empty()).unwrap_or_default()
    }

    fn index(&mut self, path: &'t str) -> FileIndex {
        *self.included.entry(path).or_insert_with(|| {
            self.names.push(path.to_owned());
            FileIndex(self.names.len() - 1)
        })
    }
}

/// What of a text tells whether it is a node's own.
#[derive(Debug)]
struct Look {
    /// The patterns that it includes, their braces resolved.
    includes: BTreeSet<String>,
    /// Blocks that a node has only once, by their names.
    heads: BTreeSet<String>,
}

impl Look {
    fn at(text: &str) -> Look {
        let includes = syntax::included_paths(text).flat_map(glob::alternatives).take(MOST_AT_ONCE).collect();
        let head = |line: &str| {
            let head = syntax::at_any_node(line);
            let once = ["global_defs", "vrrp_instance", "virtual_server"];
            once.iter().any(|word| head.starts_with(word)).then(|| {
                let words: Vec<&str> = head.split(|c: char| c.is_whitespace() || c == '{').collect();
                words.into_iter().filter(|word| !word.is_empty()).take(3).collect::<Vec<_>>().join(" ")
            })
        };
        Look { includes, heads: syntax::lines(text).filter_map(head).take(MOST_AT_ONCE).collect() }
    }

    /// Whether a pattern of this text means another one that was given beside it.
    ///
    /// A pattern such as `*.conf` may fit the other node's file as well. That one has settings for the whole program,
    /// includes files of its own, or describes again what is described here; a part does none of that.
    fn takes_in(&self, name: &str, other: &Look) -> bool {
        let is_whole = !other.includes.is_empty()
            || other.heads.contains("global_defs")
            || other.heads.iter().any(|head| self.heads.contains(head));
        !is_whole && self.includes.iter().any(|pattern| is_meant(pattern, name))
    }
}

/// Whether a pattern is a path, without anything that stands for other characters.
fn is_exact(pattern: &str) -> bool {
    !pattern.rsplit('/').next().unwrap_or_default().contains(['*', '?', '['])
}

/// Whether a path or pattern means a file that is known by its name, or by the end of its path.
fn is_meant(pattern: &str, name: &str) -> bool {
    let parts = |path: &str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
        parts.rev().map(str::to_owned).collect()
    };
    // Where keepalived's own folder is meant, the file may have come from any other.
    let beside = HOMES.iter().find_map(|home| pattern.strip_prefix(home)).unwrap_or(pattern);
    let (pattern, name) = (parts(beside), parts(name));
    !name.is_empty()
        && !pattern.is_empty()
        && pattern.iter().zip(&name).all(|(pattern, name)| glob::matches(pattern, name))
}

/// A path without `.` and `..`; none where it leads out of the folder.
fn normalised(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_looked_up_from_the_file_that_names_them() {
        let folder: BTreeMap<String, String> =
            ["conf.d/a.conf", "conf.d/b.conf", "conf.d/.hidden.conf", "x.conf"]
                .map(|path| (path.to_owned(), format!("text of {path}")))
                .into();
        let mut texts = Texts::new(["/srv/k/keepalived.conf"], Some(&folder));
        let mut found = |from: usize, pattern: &str| -> Option<String> {
            let Included::Files(files) = texts.include(FileIndex(from), pattern) else { return None };
            let names: Vec<_> = files.iter().map(|(index, _)| texts.names()[index.0].clone()).collect();
            Some(names.join(" "))
        };
        assert_eq!(found(0, "conf.d/*.conf").as_deref(), Some("conf.d/a.conf conf.d/b.conf"));
        assert_eq!(found(1, "b.conf").as_deref(), Some("conf.d/b.conf"));
        assert_eq!(found(1, "../x.conf").as_deref(), Some("x.conf"));
        assert_eq!(found(0, "../x.conf"), None);
        assert_eq!(found(0, "/etc/keepalived/conf.d/a.conf").as_deref(), Some("conf.d/a.conf"));
        assert_eq!(
            found(0, "/srv/k/./conf.d/{b,none,a}.conf").as_deref(),
            Some("conf.d/b.conf conf.d/a.conf")
        );
        assert_eq!(found(0, "/other/x.conf"), None);
        assert_eq!(Texts::new(["x"], None).include(FileIndex(0), "y"), Included::NoFolder);
    }

    #[test]
    fn given_files_are_parts_of_those_that_include_them() {
        let nodes = |given: &[(&str, &str)]| -> Vec<usize> {
            let sources: Vec<Source<'_>> = given.iter().map(|(name, text)| Source { name, text }).collect();
            let mut texts = Texts::new(given.iter().map(|(name, _)| *name), None);
            texts.nodes(&sources).into_iter().map(|file| file.0).collect()
        };
        let web = ("web.conf", "virtual_server 192.0.2.1 80 {\n}\n");
        let including = |path| format!("global_defs {{\n}}\n  include {path} # here\n");
        for path in ["web.conf", "/etc/keepalived/conf.d/*.conf", "conf.d/{web,mail}.conf"] {
            assert_eq!(nodes(&[("a.conf", &including(path)), web]), [0], "{path}");
            assert_eq!(
                nodes(&[("conf.d/a.conf", &including(path)), ("conf.d/web.conf", web.1)]),
                [0],
                "{path}"
            );
        }
        for path in ["mail.conf", "sites/*", "web.conf.old"] {
            let expected: &[usize] = if path == "sites/*" { &[0] } else { &[0, 1] };
            assert_eq!(nodes(&[("a.conf", &including(path)), web]), expected, "{path}");
        }
        let elsewhere = including("/etc/keepalived/conf.d/web.conf");
        assert_eq!(nodes(&[("/srv/a.conf", &elsewhere), ("/srv/conf.d/web.conf", web.1)]), [0]);
        // The other node's file fits the pattern, and is none the less a node.
        let star = including("conf.d/*.conf");
        assert_eq!(nodes(&[("a.conf", &star), ("b.conf", &star), web]), [0, 1]);
        assert_eq!(nodes(&[("conf.d/a.conf", &star), ("other/web.conf", web.1)]), [0, 1]);
        // So is one that says again what the first says.
        let twin = "vrrp_instance VI {\n}\n";
        let first = format!("include conf.d/*.conf\n{twin}");
        assert_eq!(nodes(&[("a.conf", &first), ("b.conf", "vrrp_instance  VI{\n}\n"), web]), [0, 1]);
        // One has to be somebody's own.
        assert_eq!(nodes(&[("a.conf", "include b.conf"), ("b.conf", "include a.conf")]), [0]);
    }
}
