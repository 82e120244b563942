//! A support bundle: what a developer needs to understand an installation, without anything that opens a door.
//!
//! Secrets are kept out twice. Who collects leaves them out or masks them where they are known to be
//! ([`crate::Cluster::masked`], [`crate::wire::Target::masked`]); and [`Bundle::finish`] replaces what was named by
//! [`Bundle::hide`] wherever else it turns up, such as in a text that somebody typed. Pure: `console` and `director`
//! collect, `console` packs it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::model::{MASK, Secret};

/// The list of what is in a bundle and what is not.
const MANIFEST: &str = "MANIFEST";
/// Characters of a secret that is looked for in all texts. A shorter one is masked in its place only: everywhere else it
/// would blot out numbers and words that have nothing to do with it.
const SHORTEST: usize = 6;

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its path within the archive.
    pub name: String,
    /// What it says.
    pub content: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Content {
    Json(Value),
    Text(String),
}

/// A bundle that is being collected.
#[derive(Clone, Default)]
pub struct Bundle {
    files: BTreeMap<String, Content>,
    left_out: Vec<(String, String)>,
    secrets: BTreeSet<String>,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle").field("files", &self.files.keys()).finish_non_exhaustive()
    }
}

impl Bundle {
    /// Puts a value in; one that has no JSON is named as left out.
    pub fn json(&mut self, name: &str, value: &impl Serialize) {
        match serde_json::to_value(value) {
            Ok(value) => drop(self.files.insert(name.to_owned(), Content::Json(value))),
            Err(error) => self.leave_out(name, &error.to_string()),
        }
    }

    /// Puts a text in.
    pub fn text(&mut self, name: &str, text: impl Into<String>) {
        self.files.insert(name.to_owned(), Content::Text(text.into()));
    }

    /// Says that something is not in it, and why.
    pub fn leave_out(&mut self, what: &str, why: &str) {
        self.left_out.push((what.to_owned(), why.to_owned()));
    }

    /// Names a secret that must be nowhere in it.
    pub fn hide(&mut self, secret: &Secret) {
        self.hide_text(secret.reveal());
    }

    /// The same of a text.
    pub fn hide_text(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.chars().count() >= SHORTEST && secret != MASK {
            self.secrets.insert(secret.to_owned());
        }
    }

    /// The files, the manifest first. `about` is its first paragraph: what was collected, where, when and by which version.
    pub fn finish(self, about: &str) -> Vec<Member> {
        // The longest first: one that holds another must not be left with its ends showing.
        let mut secrets: Vec<&str> = self.secrets.iter().map(String::as_str).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let files: Vec<Member> = self
            .files
            .into_iter()
            .map(|(name, content)| Member {
                name,
                content: match content {
                    Content::Text(text) => masked(text, &secrets).into_bytes(),
                    Content::Json(value) => {
                        serde_json::to_vec_pretty(&masked_value(value, &secrets)).unwrap_or_default()
                    }
                },
            })
            .collect();
        let mut manifest = format!("{}\n\nIn it:\n", about.trim_end());
        // Writing to a text cannot fail.
        for file in &files {
            let _ = writeln!(manifest, "  {} ({} bytes)", file.name, file.content.len());
        }
        manifest.push_str("\nNot in it:\n");
        for (what, why) in &self.left_out {
            let _ = writeln!(manifest, "  {what}: {why}");
        }
        let _ = write!(
            manifest,
            "\nWhere a secret stood, {MASK} stands. Names, notes and reasons are as people typed them: look through it\n\
             before you give it away.\n"
        );
        let manifest = Member { name: MANIFEST.to_owned(), content: masked(manifest, &secrets).into_bytes() };
        std::iter::once(manifest).chain(files).collect()
    }
}

fn masked(mut text: String, secrets: &[&str]) -> String {
    for secret in secrets {
        if text.contains(secret) {
            text = text.replace(secret, MASK);
        }
    }
    text
}

/// The same for each text within a value, names of fields included. Before it is written, where a line feed is still one.
fn masked_value(value: Value, secrets: &[&str]) -> Value {
    match value {
        Value::String(text) => Value::String(masked(text, secrets)),
        Value::Array(items) => items.into_iter().map(|item| masked_value(item, secrets)).collect(),
        Value::Object(fields) => {
            let one = |(name, value)| (masked(name, secrets), masked_value(value, secrets));
            Value::Object(fields.into_iter().map(one).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(members: &[Member], name: &str) -> String {
        let member = members.iter().find(|member| member.name == name).unwrap();
        String::from_utf8(member.content.clone()).unwrap()
    }

    #[test]
    fn a_named_secret_is_nowhere_and_a_short_one_blots_out_nothing() {
        let mut bundle = Bundle::default();
        for secret in ["hunter2-hunter2", "hunter2-hunter2-and-more", "two\nlines", "1111", MASK, "  "] {
            bundle.hide(&Secret::new(secret));
        }
        bundle.json("a.json", &json!({
            "hunter2-hunter2": 1, "said": ["with hunter2-hunter2-and-more", "two\nlines"], "port": "11111",
        }));
        bundle.text("b.txt", "hunter2-hunter2!\n11111\n");
        bundle.leave_out("c.txt", "hunter2-hunter2 was in it");
        let members = bundle.finish("Of a test.");
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, [MANIFEST, "a.json", "b.txt"]);
        for member in &members {
            let text = text(&members, &member.name);
            assert!(!text.contains("hunter2") && !text.contains("lines"), "{}: {text}", member.name);
            assert!(!text.contains("and-more"), "{text}");
        }
        assert_eq!(text(&members, "b.txt"), "********!\n11111\n");
        assert!(text(&members, "a.json").contains("11111"));
        let manifest = text(&members, MANIFEST);
        assert!(
            manifest.starts_with("Of a test.\n") && manifest.contains("  b.txt (16 bytes)\n"),
            "{manifest}"
        );
        assert!(manifest.contains("Not in it:\n  c.txt: ******** was in it\n"), "{manifest}");
    }
}
