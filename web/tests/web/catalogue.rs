//! The catalogue and the templates: nothing missing, nothing unused, nothing said outside of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Key to its text, values included.
fn read(language: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join(format!("locales/{language}.ftl"))).unwrap();
    let mut messages: BTreeMap<String, String> = BTreeMap::new();
    let mut key = String::new();
    for line in text.lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if line.starts_with(' ') || line.starts_with('}') {
            messages.get_mut(&key).expect("a continued message").push_str(line);
            continue;
        }
        let (name, value) = line.split_once(" = ").unwrap_or_else(|| panic!("{language}: {line}"));
        key = name.to_owned();
        let twice = messages.insert(key.clone(), value.to_owned());
        assert!(twice.is_none(), "{language}: {key} is there twice");
    }
    messages
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn values(text: &str) -> BTreeSet<&str> {
    let names = text.split('$').skip(1);
    names.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap()).collect()
}

fn files(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn both_languages_say_the_same() {
    let (english, chinese) = (read("en"), read("zh-CN"));
    let translated: BTreeSet<_> = chinese.keys().filter(|k| !k.starts_with("finding-")).collect();
    assert_eq!(english.keys().collect::<BTreeSet<_>>(), translated);
    for (key, text) in &english {
        assert_eq!(values(text), values(&chinese[key]), "{key}");
    }
    // Names that are the same everywhere.
    let same = ["product", "foot-version", "forwarding-short-nat"];
    // A value alone is the same in every language.
    let says = |text: &str| text.split(['{', '}']).step_by(2).any(|words| !words.trim().is_empty());
    for (key, text) in &english {
        assert!(
            text != &chinese[key] || !says(text) || same.contains(&key.as_str()),
            "{key} is not translated"
        );
        assert!(!text.trim().is_empty(), "{key} is empty");
    }
    for (key, text) in &chinese {
        let words: String = text.split(['{', '}']).step_by(2).collect();
        if !words.chars().any(|c| c.is_ascii_alphabetic()) {
            continue;
        }
        let has_han = text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(has_han || same.contains(&key.as_str()), "{key} is not in Chinese: {text}");
    }
}

#[test]
fn every_key_is_used_and_every_used_key_is_there() {
    let english = read("en");
    let mut words: BTreeSet<String> = BTreeSet::new();
    let mut families: BTreeSet<String> = BTreeSet::new();
    for (path, text) in files("templates", ".html").into_iter().chain(files("src", ".rs")) {
        for (index, piece) in text.split('"').enumerate() {
            if let Some((family, _)) = piece.split_once("-{")
                && family.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            {
                families.insert(format!("{family}-"));
            }
            if index > 0 {
                words.insert(piece.to_owned());
            }
        }
        // What is asked for by its name must be there.
        for rest in text.split("say(\"").skip(1) {
            let key = rest.split('"').next().unwrap();
            assert!(english.contains_key(key), "{}: {key} is not in the catalogue", path.display());
        }
    }
    for key in english.keys() {
        let used = words.contains(key) || families.iter().any(|family| key.starts_with(family.as_str()));
        assert!(used, "{key} is used nowhere");
    }
    for family in ["role-", "theme-", "scheduler-", "problem-title-", "finding-"] {
        assert!(families.contains(family), "the family {family} was not recognised: {families:?}");
    }
}

/// The template without its instructions and comments.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (before, after) = rest.split_at(start);
        bare.push_str(before);
        let end = match after.get(..2) {
            Some("{{") => "}}",
            Some("{%") => "%}",
            Some("{#") => "#}",
            _ => {
                bare.push('{');
                rest = &after[1..];
                continue;
            }
        };
        let length = after.find(end).unwrap_or_else(|| panic!("{after:.60}"));
        rest = &after[length + 2..];
    }
    bare.push_str(rest);
    bare
}

#[test]
fn templates_say_nothing_by_themselves() {
    for (path, text) in files("templates", ".html") {
        let text = bare(&text);
        let place = path.display();
        for forbidden in ["style=", "<style", "javascript:", "hx-on", "js:", "http://", "https://"] {
            let allowed = forbidden == "http://" && text.contains("xmlns=\"http://www.w3.org/2000/svg\"");
            assert!(allowed || !text.contains(forbidden), "{place}: {forbidden}");
        }
        for rest in text.split("hx-trigger").skip(1) {
            assert!(
                !rest.starts_with("=\"[") && !rest[..rest.find('>').unwrap_or(0)].contains('['),
                "{place}: a filter needs eval"
            );
        }
        // Text between tags, and attributes that are read aloud, have no letters of their own.
        let mut inside = false;
        let mut between = String::new();
        for c in text.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => between.push(c),
                _ => {}
            }
        }
        let letters: String =
            between.split_whitespace().filter(|w| w.chars().any(char::is_alphabetic)).collect();
        assert!(letters.is_empty(), "{place} says {letters:?}");
        for attribute in ["aria-label=\"", "title=\"", "alt=\"", "placeholder=\"", "data-label=\""] {
            for rest in text.split(attribute).skip(1) {
                let value = rest.split('"').next().unwrap();
                assert!(!value.chars().any(char::is_alphabetic), "{place}: {attribute}{value}\"");
            }
        }
        for event in ["onclick", "onsubmit", "onload", "onchange", "onerror"] {
            assert!(!text.contains(event), "{place}: {event}");
        }
    }
}
