//! The message catalogue: every sentence a page or problem says, in each language, from `web/locales`.
//!
//! English is the complete list; tests demand that every other language has the same keys with the same values.
//! The sentences of findings are the exception: English ones are made by `lvs`, others are keys `finding-CODE` here.
//! Nothing in this module decides anything; templates and screens call it.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use lvs::Finding;
use unic_langid::langid;

/// A language the pages speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// All of them, in the order of the switch.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// The BCP 47 tag, as in `lang` attributes and stored with an account.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    /// The language's name in itself, as the switch shows it.
    pub fn own_name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Chinese => "中文",
        }
    }

    /// The language a tag asks for, if it is one of ours (`zh`, `zh-CN`, `zh-Hans-CN`, `en-GB`, …).
    pub fn from_tag(tag: &str) -> Option<Self> {
        let first = tag.trim().split(['-', '_']).next().unwrap_or_default();
        match first.to_ascii_lowercase().as_str() {
            "en" => Some(Language::English),
            "zh" => Some(Language::Chinese),
            _ => None,
        }
    }

    /// The best of ours for an `Accept-Language` header (RFC 9110 §12.5.4); unreadable weights count as 0.
    pub fn from_accept(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Language)> = None;
        for item in header.split(',').take(32) {
            let (tag, weight) = match item.split_once(";q=") {
                Some((tag, weight)) => (tag, weight.trim().parse().unwrap_or(0.0)),
                None => (item, 1.0_f32),
            };
            let Some(language) = Language::from_tag(tag) else { continue };
            if weight > 0.0 && best.is_none_or(|(seen, _)| weight > seen) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// The sentence of that key; values follow by [`Message::with`].
    pub fn say(self, key: impl Into<Cow<'static, str>>) -> Message {
        Message { language: self, key: key.into(), args: FluentArgs::new() }
    }

    /// The sentence of a finding.
    pub fn finding(self, finding: &Finding) -> String {
        if self == Language::English {
            return finding.text();
        }
        let mut message = self.say(format!("finding-{}", finding.code.as_str()));
        for (name, value) in &finding.args {
            message = message.with(name, value);
        }
        message.to_string()
    }

    fn source(self) -> &'static str {
        match self {
            Language::English => include_str!("../locales/en.ftl"),
            Language::Chinese => include_str!("../locales/zh-CN.ftl"),
        }
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        static ENGLISH: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
        static CHINESE: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
        match self {
            Language::English => ENGLISH.get_or_init(|| self.read()),
            Language::Chinese => CHINESE.get_or_init(|| self.read()),
        }
    }

    /// A broken entry is left out and logged; tests refuse a catalogue that has one.
    fn read(self) -> FluentBundle<FluentResource> {
        let locale = match self {
            Language::English => langid!("en"),
            Language::Chinese => langid!("zh-CN"),
        };
        let mut bundle = FluentBundle::new_concurrent(vec![locale]);
        bundle.set_use_isolating(false);
        let resource =
            FluentResource::try_new(self.source().to_owned()).unwrap_or_else(|(usable, errors)| {
                tracing::error!(
                    language = self.tag(),
                    count = errors.len(),
                    "catalogue has entries that cannot be read"
                );
                usable
            });
        bundle.add_resource_overriding(resource);
        bundle
    }
}

/// A sentence with its values, made when displayed.
pub struct Message {
    language: Language,
    key: Cow<'static, str>,
    args: FluentArgs<'static>,
}

impl Message {
    /// The same with a value for one of its names.
    pub fn with(mut self, name: &str, value: impl Value) -> Self {
        self.args.set(name.to_owned(), value.value());
        self
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bundle = self.language.bundle();
        let Some(pattern) = bundle.get_message(&self.key).and_then(|m| m.value()) else {
            // Seen only while a sentence is being written; tests fail on the brackets.
            return write!(f, "⟦{}⟧", self.key);
        };
        let mut errors = Vec::new();
        f.write_str(&bundle.format_pattern(pattern, Some(&self.args), &mut errors))?;
        if errors.is_empty() { Ok(()) } else { write!(f, "⟦{}⟧", self.key) }
    }
}

/// What can stand in a sentence.
pub trait Value {
    /// As the catalogue takes it; numbers choose plural forms.
    fn value(&self) -> FluentValue<'static>;
}

impl<T: Value + ?Sized> Value for &T {
    fn value(&self) -> FluentValue<'static> {
        (**self).value()
    }
}

impl Value for str {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.to_owned())
    }
}

impl Value for String {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.clone())
    }
}

impl Value for Message {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.to_string())
    }
}

macro_rules! numbers {
    ($($type:ty),*) => { $(
        impl Value for $type {
            fn value(&self) -> FluentValue<'static> {
                FluentValue::from(*self)
            }
        }
    )* };
}

numbers!(u8, u16, u32, u64, usize, i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_names_several_languages() {
        let best = |header| Language::from_accept(header);
        assert_eq!(best("zh-CN,zh;q=0.9,en;q=0.8"), Some(Language::Chinese));
        assert_eq!(best("fr, en-GB;q=0.7, zh;q=0.5"), Some(Language::English));
        assert_eq!(best("en;q=0, zh;q=0.1"), Some(Language::Chinese));
        assert_eq!(best("fr;q=1, de"), None);
        assert_eq!(best(";;;q=,=,"), None);
    }

    /// Keys that are put together of a word and a value: every value there is must have its sentence.
    #[test]
    fn families_are_complete() {
        use console::Role;
        use lvs::model::Scheduler;
        let mut keys: Vec<String> = Vec::new();
        let mut family = |prefix: &str, words: &[&str]| {
            keys.extend(words.iter().map(|word| format!("{prefix}-{word}")));
        };
        family("role", &Role::ALL.map(Role::as_str));
        family("theme", &crate::visit::Theme::ALL.map(crate::visit::Theme::as_str));
        family("done", &crate::page::DONE);
        family("scheduler", &Scheduler::ALL.map(Scheduler::as_str));
        family("seat", &["primary", "backup"]);
        family("forwarding", &["nat", "direct", "tunnel"]);
        family("forwarding-short", &["nat", "direct", "tunnel"]);
        family("checksum", &["none", "full", "remote"]);
        family("state", &["starting", "standby", "active", "fault", "stopped"]);
        family("push", &["applied", "partial", "refused", "unreachable", "held"]);
        // "missing" has a sentence for each kind of thing instead.
        let codes = crate::error::Error::CODES.into_iter().filter(|c| *c != "missing");
        family("problem", &codes.collect::<Vec<_>>());
        family(
            "missing",
            &[
                "cluster",
                "draft",
                "revision",
                "director",
                "virtual-server",
                "real-server",
                "account",
                "token",
                "session",
            ],
        );
        family(
            "problem-title",
            &["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "428", "500", "503"],
        );
        for language in Language::ALL {
            for key in &keys {
                assert!(language.bundle().has_message(key), "{}: {key}", language.tag());
            }
        }
    }

    /// A finding in Chinese says the same values as its English sentence.
    #[test]
    fn every_finding_is_translated() {
        for code in lvs::Code::ALL {
            let key = format!("finding-{}", code.as_str());
            let names: Vec<&str> =
                code.template().split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
            let mut finding = Finding::field("", *code);
            for name in &names {
                finding = finding.with(name, format!("<{name}>"));
            }
            let said = Language::Chinese.finding(&finding);
            assert!(!said.contains('⟦'), "{key}: {said}");
            for name in names {
                assert!(said.contains(&format!("<{name}>")), "{key} does not say {name}");
            }
        }
    }
}
