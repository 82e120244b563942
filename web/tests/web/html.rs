//! Reads a page strictly: what is not well-formed, refers to nothing, or the policy would block, fails.

use std::collections::{BTreeMap, BTreeSet};

const VOID: [&str; 8] = ["br", "hr", "img", "input", "link", "meta", "option-void", "wbr"];

/// A tag with its attributes.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) closing: bool,
    pub(crate) closed: bool,
    /// Text before it.
    pub(crate) before: String,
}

/// All tags of a page, in order.
pub(crate) fn tags(body: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = body;
    while let Some(start) = rest.find('<') {
        let before = rest[..start].to_owned();
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix("!doctype html>") {
            rest = after;
            continue;
        }
        let end = end_of_tag(rest);
        let (inside, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        let (inside, closed) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let (inside, closing) = match inside.strip_prefix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let name_end = inside.find(char::is_whitespace).unwrap_or(inside.len());
        let name = inside[..name_end].to_owned();
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "tag {inside:?}");
        let attributes = attributes(&name, inside[name_end..].trim());
        tags.push(Tag { name, attributes, closing, closed, before });
    }
    assert!(rest.trim().is_empty(), "text after the page: {rest:?}");
    tags
}

fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (index, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return index,
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
    }
    panic!("a tag is not closed: {:?}", text.chars().take(80).collect::<String>());
}

fn attributes(tag: &str, mut text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while !text.is_empty() {
        let end = text.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(text.len());
        let name = text[..end].to_owned();
        assert!(!name.is_empty() && !name.contains(['"', '\'', '<']), "attribute of {tag}: {text:?}");
        text = &text[end..];
        let mut value = String::new();
        if let Some(after) = text.strip_prefix('=') {
            let quote = after.chars().next().unwrap();
            assert!(quote == '"' || quote == '\'', "{tag} {name} is not quoted");
            let length = after[1..].find(quote).unwrap_or_else(|| panic!("{tag} {name} is not closed"));
            value = after[1..=length].to_owned();
            text = &after[length + 2..];
        }
        assert!(found.insert(name.clone(), value).is_none(), "{tag} has {name} twice");
        text = text.trim_start();
    }
    found
}

/// Panics where the page breaks a rule; `place` names it.
pub(crate) fn check(place: &str, body: &str) {
    assert!(body.starts_with("<!doctype html>"), "{place}: no doctype");
    assert!(!body.contains('⟦'), "{place}: a sentence is missing: {}", around(body, "⟦"));
    let tags = tags(body);
    let mut open: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut references: Vec<(String, String)> = Vec::new();
    for tag in &tags {
        let name = tag.name.as_str();
        if tag.closing {
            let last = open.pop();
            assert_eq!(last, Some(name), "{place}: </{name}> closes {last:?}");
            continue;
        }
        for (attribute, value) in &tag.attributes {
            assert!(attribute != "style", "{place}: a style attribute on {name}");
            assert!(
                !attribute.starts_with("on") && !attribute.starts_with("hx-on"),
                "{place}: {attribute} on {name}"
            );
            assert!(!value.trim_start().starts_with("javascript:"), "{place}: {value}");
            match attribute.as_str() {
                "id" => assert!(ids.insert(value.clone()), "{place}: the id {value} is there twice"),
                "for" | "aria-labelledby" | "aria-describedby" | "list" | "data-copy" | "data-said" => {
                    references
                        .extend(value.split(' ').map(|id| (format!("{name} {attribute}"), id.to_owned())));
                }
                "href" if value.starts_with('#') => {
                    references.push((format!("{name} href"), value[1..].to_owned()));
                }
                "src" | "href" | "action" => {
                    assert!(
                        value.starts_with('/') && !value.starts_with("//"),
                        "{place}: {name} {attribute}={value}"
                    );
                }
                _ => {}
            }
        }
        assert!(name != "style", "{place}: a style element");
        assert!(name != "script" || tag.attributes.contains_key("src"), "{place}: an inline script");
        labelled(place, tag, body);
        if !tag.closed && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{place}: never closed: {open:?}");
    for (who, id) in references {
        assert!(ids.contains(&id), "{place}: {who} refers to {id:?}, which is not there");
    }
}

/// Every field has a label.
fn labelled(place: &str, tag: &Tag, body: &str) {
    let name = tag.name.as_str();
    let hidden = tag.attributes.get("type").is_some_and(|t| t == "hidden");
    if !["input", "select", "textarea"].contains(&name) || hidden {
        return;
    }
    let id = tag.attributes.get("id").unwrap_or_else(|| panic!("{place}: {tag:?} has no id"));
    assert!(body.contains(&format!("<label for=\"{id}\"")), "{place}: {id} has no label");
}

fn around(body: &str, text: &str) -> String {
    let at = body.find(text).unwrap_or(0);
    body[at..].chars().take(60).collect()
}

/// What a browser would send for the form whose action is `action`, without touching it.
pub(crate) fn form_values(body: &str, action: &str) -> Vec<(String, String)> {
    let mut values = Vec::new();
    let mut inside = false;
    let mut select: Option<String> = None;
    let mut area: Option<String> = None;
    for tag in tags(body) {
        if let Some(name) = area.take() {
            values.push((name, text(tag.before.strip_prefix('\n').unwrap_or(&tag.before))));
        }
        match (tag.name.as_str(), tag.closing) {
            ("form", false) => inside = tag.attributes.get("action").is_some_and(|a| a == action),
            ("form", true) => inside = false,
            ("select", false) if inside => select = tag.attributes.get("name").cloned(),
            ("select", true) => select = None,
            ("textarea", false) if inside => area = tag.attributes.get("name").cloned(),
            ("option", false) => {
                if let Some(name) = &select {
                    let chosen = tag.attributes.contains_key("selected");
                    let first = !values.iter().any(|(n, _): &(String, String)| n == name);
                    if chosen || first {
                        values.retain(|(n, _)| n != name);
                        let value = tag.attributes.get("value").cloned().unwrap_or_default();
                        values.push((name.clone(), text(&value)));
                        if chosen {
                            select = None;
                        }
                    }
                }
            }
            ("input", false) if inside => {
                let kind = tag.attributes.get("type").map_or("text", String::as_str);
                let unticked = kind == "checkbox" && !tag.attributes.contains_key("checked");
                if let (false, Some(name)) = (unticked, tag.attributes.get("name")) {
                    let value = tag.attributes.get("value").cloned().unwrap_or_default();
                    values.push((name.clone(), text(&value)));
                }
            }
            _ => {}
        }
    }
    assert!(!values.is_empty(), "no form for {action}");
    values.retain(|(name, _)| name != "csrf");
    values
}

fn text(escaped: &str) -> String {
    escaped
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&")
}

#[test]
fn the_reader_refuses_what_browsers_forgive() {
    let page = |inside: &str| format!("<!doctype html><html><body>{inside}</body></html>");
    check("good", &page("<p id=\"a\">x<br></p><a href=\"#a\">y</a>"));
    for bad in [
        "<p><b>x</p></b>",
        "<p style=\"color:red\">x</p>",
        "<p onclick=\"x()\">x</p>",
        "<script>x()</script>",
        "<p id=\"a\">x</p><p id=\"a\">y</p>",
        "<a href=\"#nowhere\">x</a>",
        "<a href=\"https://example.org/\">x</a>",
        "<input id=\"x\" name=\"x\">",
        "<p>⟦key⟧</p>",
        "<p class=bare>x</p>",
    ] {
        let page = page(bad);
        assert!(std::panic::catch_unwind(|| check("bad", &page)).is_err(), "{bad}");
    }
}
