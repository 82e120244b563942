//! The wall view of a cluster: few things, large, for a screen that nobody touches. It has no control of any kind.
//!
//! [`WallNow`] is all of it at one moment; the stream (`live`) renders it again.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{ClusterView, LiveCluster, SeriesKey};
use jiff::Timestamp;

use super::monitoring::{DirectorCard, Now, Verdict};
use crate::charts::{Chart, Measure, Named};
use crate::error::Error;
use crate::figures::{bits, count, rate};
use crate::locale::Locale;
use crate::page::{Page, show};
use crate::problems::ProblemList;
use crate::sparks::Sparks;
use crate::visit::Member;

/// The wall at one moment.
#[derive(Template)]
#[template(path = "live_wall.html")]
pub(crate) struct WallNow {
    locale: Locale,
    name: String,
    verdict: Verdict,
    /// Name and value, large.
    numbers: Vec<(String, String)>,
    directors: Vec<DirectorCard>,
    problems: ProblemList,
    curve: Chart,
}

#[derive(Template)]
#[template(path = "wall.html")]
struct WallPage {
    p: Page,
    cluster: String,
    now: WallNow,
}

impl WallNow {
    pub(crate) fn of(member: &Member, view: &ClusterView, live: &LiveCluster) -> Self {
        let locale = member.locale();
        let now = Now::of(member, view, live, 1, &Sparks::default());
        let recent = member.console().recent(&view.id, SeriesKey::default());
        let last = recent.samples.iter().rev().take(6).find_map(|sample| *sample);
        let value = |of: Option<String>| of.unwrap_or_else(|| "–".to_owned());
        let number = |key: &'static str, of: Option<String>| (locale.say(key).to_string(), value(of));
        let content = view.running.as_ref().map(|running| &running.content);
        let mut problems = ProblemList::of(locale, "", content, live);
        let shown = 6;
        problems.more += problems.lines.len().saturating_sub(shown);
        problems.lines.truncate(shown);
        let named = Named { name: String::new(), href: None, line: recent };
        WallNow {
            locale,
            name: view.name.clone(),
            verdict: now.verdict,
            numbers: vec![
                number("col-active-conn", last.map(|sample| count(sample.active.round() as u64))),
                number("wall-connections", last.map(|sample| rate(sample.connections))),
                number("wall-in", last.map(|sample| bits(sample.in_bytes))),
                number("wall-out", last.map(|sample| bits(sample.out_bytes))),
            ],
            directors: now.directors,
            problems,
            curve: Chart::of(locale, Measure::Active, &[named], &[]).untitled().unexplained(),
        }
    }

    /// The part that a stream keeps up to date.
    pub(crate) fn parts(&self) -> Result<BTreeMap<String, String>, askama::Error> {
        Ok([("#wall-now".to_owned(), self.render()?)].into())
    }

    /// When this was true.
    fn moment(&self) -> String {
        self.locale.time_of_day(Timestamp::now())
    }
}

/// `GET …/wall`
pub(super) async fn page(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let view = member.console().cluster(&cluster).await?;
    let live = member.console().live(&view.id).await?;
    let now = WallNow::of(&member, &view, &live);
    let p = Page::new(&member.visit, member.locale().say("wall-title").with("name", &view.name));
    show(StatusCode::OK, &WallPage { p, cluster: view.id, now })
}
