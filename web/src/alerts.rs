//! Alerts in words: what `console` tells by mail and webhook, in the language of each channel. Decides nothing; given to
//! the console by the router.

use console::{AlertLetter, AlertLine, AlertText, AlertWords, Problem};

use crate::problems::sentence;
use crate::text::Language;

/// The pages' catalogue, for messages.
pub(crate) struct Words;

fn language(tag: &str) -> Language {
    Language::from_tag(tag).unwrap_or_default()
}

/// What the subject names first: of what began, else of what is over, else of what lasts.
fn first(letter: &AlertLetter) -> (&'static str, usize, Option<&AlertLine>) {
    match (letter.begun.as_slice(), letter.over.as_slice()) {
        (begun @ [one, ..], _) => ("alert-subject-begun", begun.len(), Some(one)),
        ([], over @ [one, ..]) if letter.lasting.is_empty() => ("alert-subject-over", over.len(), Some(one)),
        _ => ("alert-subject-lasting", letter.lasting.len(), letter.lasting.first()),
    }
}

impl AlertWords for Words {
    fn letter(&self, tag: &str, letter: &AlertLetter) -> AlertText {
        let language = language(tag);
        let (key, count, one) = first(letter);
        let one = one.map(|line| sentence(language.into(), &line.problem)).unwrap_or_default();
        let subject = language
            .say(key)
            .with("cluster", &letter.cluster)
            .with("count", count)
            .with("first", one)
            .to_string();
        let mut body = String::new();
        let sections = [
            ("alert-begun", &letter.begun),
            ("alert-lasting", &letter.lasting),
            ("alert-over", &letter.over),
        ];
        for (key, lines) in sections.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            body.push_str(&format!("{}\n", language.say(key)));
            for line in lines {
                let since = line.since.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
                let said = language
                    .say("alert-line")
                    .with("sentence", sentence(language.into(), &line.problem))
                    .with("since", since);
                body.push_str(&format!("- {said}\n"));
            }
            body.push('\n');
        }
        if let Some(console) = &letter.console {
            body.push_str(&format!("{console}/clusters/{}\n", letter.cluster_id));
            body.push_str(
                &language.say("alert-silence-at").with("url", format!("{console}/alerts")).to_string(),
            );
            body.push('\n');
        }
        body.push_str(&language.say("alert-why").with("rule", &letter.rule).to_string());
        body.push('\n');
        AlertText { subject, body }
    }

    fn sentence(&self, tag: &str, problem: &Problem) -> String {
        sentence(language(tag).into(), problem)
    }

    fn test(&self, tag: &str, channel: &str) -> AlertText {
        let language = language(tag);
        AlertText {
            subject: language.say("alert-test-subject").to_string(),
            body: format!("{}\n", language.say("alert-test-body").with("channel", channel)),
        }
    }
}

#[cfg(test)]
mod tests {
    use console::{ProblemKind, ProblemOf};
    use jiff::Timestamp;

    use super::*;

    fn line(kind: ProblemKind, director: &str) -> AlertLine {
        let of = ProblemOf::Director(director.to_owned());
        let since = Timestamp::from_second(1_000).unwrap();
        AlertLine {
            problem: Problem { kind, of, reason: None, trouble: None, count: None, at_s: Some(1_000) },
            since,
        }
    }

    fn letter() -> AlertLetter {
        AlertLetter {
            rule: "night".to_owned(),
            cluster: "shop".to_owned(),
            cluster_id: "cl_1".to_owned(),
            at: Timestamp::from_second(2_000).unwrap(),
            begun: vec![line(ProblemKind::NoData, "lb1"), line(ProblemKind::Drift, "lb2")],
            lasting: Vec::new(),
            over: vec![line(ProblemKind::OutOfStep, "lb2")],
            console: Some("https://console.example:3636".to_owned()),
        }
    }

    #[test]
    fn a_message_says_what_where_since_when_and_who_sends_it() {
        let text = Words.letter("en", &letter());
        assert_eq!(
            text.subject,
            "[shop] 2 problems: Director lb1 does not answer since 1970-01-01 00:16:40 UTC."
        );
        for part in [
            "- Somebody changed rows in the kernel of director lb2. (since 1970-01-01 00:16:40 UTC)",
            "- Director lb2 holds something else than what runs.",
            "https://console.example:3636/clusters/cl_1",
            "https://console.example:3636/alerts",
            "night",
        ] {
            assert!(text.body.contains(part), "{part}: {}", text.body);
        }
        let over = AlertLetter { begun: Vec::new(), ..letter() };
        assert!(Words.letter("en", &over).subject.starts_with("[shop] Over: Director lb2"));
        let lasting = AlertLetter { lasting: over.over.clone(), ..over };
        assert!(Words.letter("en", &lasting).subject.starts_with("[shop] 1 problem lasts: Director lb2"));
    }

    #[test]
    fn every_language_has_its_words() {
        for language in Language::ALL {
            let text = Words.letter(language.tag(), &letter());
            let test = Words.test(language.tag(), "night");
            for said in [text.subject, text.body, test.subject, test.body] {
                assert!(!said.contains('⟦') && said.lines().count() < 20, "{said}");
            }
        }
        assert!(Words.test("zh-CN", "x").body.contains('。'));
    }
}
