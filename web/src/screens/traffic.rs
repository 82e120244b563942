//! Charts of the past: of a cluster by virtual server, of a virtual server by real server; and the same as a file.

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use lvs::model::VirtualServer;

use super::audit::cell;
use super::objects::virtual_server;
use crate::charts::{Chart, Mark, Measure, Named};
use crate::error::Error;
use crate::page::{Page, Tab, show};
use crate::text::Message;
use crate::traffic::{RANGES, Span, Traffic, marks};
use crate::visit::Member;

#[derive(Template)]
#[template(path = "traffic.html")]
struct TrafficPage {
    p: Page,
    /// None where the whole cluster is shown; `server_tabs.html` calls it `server`.
    service: Option<VirtualServer>,
    /// Path of this page.
    place: String,
    /// Path of the file of what is shown.
    file: String,
    span: Span,
    from: String,
    until: String,
    charts: Vec<Chart>,
    marks: Vec<Mark>,
    /// Whether it is made anew by itself.
    live: bool,
}

impl TrafficPage {
    fn ranges(&self) -> Vec<(&'static str, Message)> {
        let say = |word: &str| self.p.locale.say(format!("range-{word}"));
        RANGES.into_iter().map(|(word, _)| (word, say(word))).collect()
    }

    /// Long times hardly change while somebody looks.
    fn moves(&self) -> bool {
        ["15m", "1h"].contains(&self.span.word)
    }

    fn when(&self, mark: &Mark) -> String {
        Timestamp::from_second(mark.at).map(|at| self.p.moment(&at)).unwrap_or_default()
    }
}

async fn page(member: &Member, cluster: &str, server: Option<&str>) -> Result<Response, Error> {
    let locale = member.locale();
    let span = Span::read(&member.visit.query, member.locale().zone, Timestamp::now().as_second())?;
    let (service, tab) = match server {
        Some(key) => {
            let view = member.console().view(&member.actor, cluster).await?;
            let (_, service) = virtual_server(&view.content, key)?;
            (Some(service.clone()), Tab::VirtualServers)
        }
        None => (None, Tab::Monitoring),
    };
    let view = member.console().cluster(cluster).await?;
    let live = member.console().live(&view.id).await?;
    let traffic = Traffic::of(member, &view, &live, service.as_ref(), &span).await?;
    let marks = marks(member, &view.id, service.as_ref().and_then(VirtualServer::key), &span).await?;
    let lines: Vec<Named> = traffic.lines.into_iter().map(|(_, named)| named).collect();
    let charts = Measure::ALL.map(|measure| Chart::of(locale, measure, &lines, &marks)).into();
    let base = format!("/clusters/{}", view.id);
    let (title, place, of) = match &service {
        Some(service) => (
            locale.say("traffic-title-of").with("name", &service.name),
            format!("{base}/virtual-servers/{}/traffic", service.id),
            format!("service={}&", service.id),
        ),
        None => (locale.say("traffic-title"), format!("{base}/traffic"), String::new()),
    };
    let edge =
        |at| Timestamp::from_second(at).map(|at| locale.zone.form(at, "%Y-%m-%dT%H:%M")).unwrap_or_default();
    let page = TrafficPage {
        p: Page::of_cluster(member, cluster, tab, title).await?,
        file: format!("{base}/traffic.csv?{of}{}", span.query()),
        from: edge(span.range.from),
        until: edge(span.range.until),
        live: member.visit.query.get("live") != "off",
        service,
        place,
        span,
        charts,
        marks,
    };
    show(StatusCode::OK, &page)
}

/// `GET …/traffic`
pub(super) async fn of_cluster(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    page(&member, &cluster, None).await
}

/// `GET …/virtual-servers/{server}/traffic`
pub(super) async fn of_service(
    member: Member,
    Path((cluster, server)): Path<(String, String)>,
) -> Result<Response, Error> {
    page(&member, &cluster, Some(&server)).await
}

/// `GET …/traffic.csv?service=&range=`: what the charts show, as a file.
pub(super) async fn file(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let span = Span::read(&member.visit.query, member.locale().zone, Timestamp::now().as_second())?;
    let view = member.console().cluster(&cluster).await?;
    let service = match member.visit.query.filled("service") {
        Some(key) => {
            let content = member.console().view(&member.actor, &cluster).await?.content;
            Some(virtual_server(&content, key)?.1.clone())
        }
        None => None,
    };
    let live = member.console().live(&view.id).await?;
    let traffic = Traffic::of(&member, &view, &live, service.as_ref(), &span).await?;
    let mut text = String::from(
        "at,name,active,inactive,peak_active,connections_per_s,in_packets_per_s,out_packets_per_s,in_bytes_per_s,out_bytes_per_s\r\n",
    );
    for (_, Named { name, line, .. }) in &traffic.lines {
        for (at, sample) in line.points() {
            let (Some(s), Ok(at)) = (sample, Timestamp::from_second(at)) else { continue };
            text.push_str(&format!(
                "{at},{},{:.1},{:.1},{:.0},{:.2},{:.2},{:.2},{:.0},{:.0}\r\n",
                cell(name),
                s.active,
                s.inactive,
                s.peak,
                s.connections,
                s.in_packets,
                s.out_packets,
                s.in_bytes,
                s.out_bytes
            ));
        }
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"traffic.csv\"")),
    ];
    Ok((headers, text).into_response())
}
