//! What one route of the API takes and answers, written down beside its handler.
//!
//! The same description is enforced before the handler (`guard`: parameters, precondition), is what the OpenAPI
//! document says (`openapi`) and what the page of the API shows. It never runs anything. `routes` asks for one with
//! every route of the API, so that a route without a description does not compile.

use axum::http::{HeaderMap, header};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::request::near;
use super::schema;
use crate::error::Error;

/// Makes the schema of a body or an answer.
pub(crate) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// What a query parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number in this range.
    Number(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text.
    Text,
}

/// A query parameter. What it means is in the catalogue: `api-query-NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

impl Query {
    /// What the catalogue calls it: moments and revisions both are `from`.
    pub(crate) fn key(&self) -> &'static str {
        if *self == SPAN_FROM { "since-moment" } else { self.name }
    }
}

const fn query(name: &'static str, kind: Kind) -> Query {
    Query { name, kind }
}

/// Items of one answer at most.
pub(crate) const MOST: u64 = 500;

pub(crate) const DRY_RUN: Query = query("dry_run", Kind::Flag);
pub(crate) const ACTIVATE: Query = query("activate", Kind::Flag);
pub(crate) const MESSAGE: Query = query("message", Kind::Text);
pub(crate) const VIEW: Query = query("view", Kind::Word(&["draft", "running"]));
pub(crate) const LIMIT: Query = query("limit", Kind::Number(1, MOST));
pub(crate) const CURSOR: Query = query("cursor", Kind::Text);
pub(crate) const BEFORE: Query = query("before", Kind::Text);
pub(crate) const DIRECTOR: Query = query("director", Kind::Text);
pub(crate) const EVENT_KIND: Query = query("kind", Kind::Text);
pub(crate) const SEVERITY: Query = query("severity", Kind::Word(&["info", "warning", "critical"]));
pub(crate) const CLUSTER: Query = query("cluster", Kind::Text);
pub(crate) const ACTOR: Query = query("actor", Kind::Text);
pub(crate) const ACTION: Query = query("action", Kind::Text);
pub(crate) const FROM: Query = query("from", Kind::Number(1, u64::MAX));
pub(crate) const REVISION: Query = query("revision", Kind::Number(1, u64::MAX));
pub(crate) const SEARCH: Query = query("q", Kind::Text);
pub(crate) const SERVICE: Query = query("service", Kind::Text);
pub(crate) const RANGE: Query = query("range", Kind::Word(&["15m", "1h", "6h", "24h", "7d", "30d"]));
pub(crate) const SPAN_FROM: Query = query("from", Kind::Text);
pub(crate) const SPAN_UNTIL: Query = query("until", Kind::Text);
pub(crate) const SINCE: Query = query("since", Kind::Number(0, i64::MAX as u64));
pub(crate) const WAIT: Query = query("wait", Kind::Number(0, 50));
pub(crate) const TOPICS: Query = query("topics", Kind::Text);
pub(crate) const SERVERS: Query = query("servers", Kind::Flag);

/// Whether a request names the state that it was made for (`If-Match`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// There is nothing to name.
    None,
    /// It may.
    Optional,
    /// It has to; without it the answer is 428.
    Required,
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) shape: Shape,
    /// Members that only answers have; a request may send them back, and they are passed over.
    pub(crate) read_only: &'static [&'static str],
    /// Whether the request may be without.
    pub(crate) optional: bool,
    /// A merge patch (RFC 7396) of that shape.
    pub(crate) patch: bool,
}

/// One way a request can succeed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media: &'static str,
    /// None where there is no body, or none of JSON.
    pub(crate) shape: Option<Shape>,
    /// Whether it carries an entity tag.
    pub(crate) tagged: bool,
}

/// What a route takes and answers.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Its name in the document (`operationId`); what it does is in the catalogue: `api-op-ID`.
    pub(crate) id: &'static str,
    /// The group that lists it: `api-group-GROUP` of the catalogue.
    pub(crate) group: &'static str,
    pub(crate) query: Vec<Query>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) precondition: Precondition,
    /// Whether it can be refused for what else goes on (409).
    pub(crate) conflicts: bool,
    /// Whether the answer holds a secret that is shown this once; it is not kept for a repetition.
    pub(crate) secret: bool,
    /// Whether it can be asked what it would do.
    pub(crate) rehearsed: bool,
    /// Whether reading it can be refused for its content (422).
    pub(crate) refuses: bool,
    /// Whether a success is 202 with the same body where a director lacks what was activated.
    pub(crate) partly: bool,
}

const JSON: &str = "application/json";

/// An operation of a group.
pub(crate) fn op(group: &'static str, id: &'static str) -> Operation {
    Operation {
        id,
        group,
        query: Vec::new(),
        body: None,
        answers: Vec::new(),
        precondition: Precondition::None,
        conflicts: false,
        secret: false,
        rehearsed: false,
        refuses: false,
        partly: false,
    }
}

impl Operation {
    /// With more query parameters.
    pub(crate) fn query(mut self, more: &[Query]) -> Self {
        self.query.extend_from_slice(more);
        self
    }

    /// A list that comes in pages.
    pub(crate) fn paged(self) -> Self {
        self.query(&[LIMIT, CURSOR])
    }

    fn sent<T: JsonSchema>(
        mut self,
        read_only: &'static [&'static str],
        optional: bool,
        patch: bool,
    ) -> Self {
        self.body = Some(Body { shape: schema::whole::<T>, read_only, optional, patch });
        self
    }

    /// Takes a body.
    pub(crate) fn takes<T: JsonSchema>(self) -> Self {
        self.sent::<T>(&[], false, false)
    }

    /// Takes a body that answers have more members than.
    pub(crate) fn takes_back<T: JsonSchema>(self, read_only: &'static [&'static str]) -> Self {
        self.sent::<T>(read_only, false, false)
    }

    /// Takes a body or none.
    pub(crate) fn may_take<T: JsonSchema>(self) -> Self {
        self.sent::<T>(&[], true, false)
    }

    /// Takes a merge patch.
    pub(crate) fn patches<T: JsonSchema>(self, read_only: &'static [&'static str]) -> Self {
        self.sent::<T>(read_only, false, true)
    }

    fn answer(mut self, status: u16, media: &'static str, shape: Option<Shape>) -> Self {
        self.answers.push(Answer { status, media, shape, tagged: false });
        self
    }

    /// Answers 200.
    pub(crate) fn gives<T: JsonSchema>(self) -> Self {
        self.answer(200, JSON, Some(schema::reference::<T>))
    }

    /// Answers 201 with the place of what was made.
    pub(crate) fn makes<T: JsonSchema>(self) -> Self {
        self.answer(201, JSON, Some(schema::reference::<T>))
    }

    /// Answers 202 where it goes on after the answer.
    pub(crate) fn goes_on<T: JsonSchema>(self) -> Self {
        self.answer(202, JSON, Some(schema::reference::<T>))
    }

    /// Answers 204.
    pub(crate) fn gives_nothing(self) -> Self {
        self.answer(204, JSON, None)
    }

    /// Answers 200 with something that is no JSON.
    pub(crate) fn streams(self, media: &'static str) -> Self {
        self.answer(200, media, None)
    }

    /// What it answers last carries an entity tag.
    pub(crate) fn tagged(mut self) -> Self {
        if let Some(last) = self.answers.last_mut() {
            last.tagged = true;
        }
        self
    }

    /// `?dry_run=true` does nothing and answers 200 with this.
    pub(crate) fn rehearses<T: JsonSchema>(mut self) -> Self {
        self.rehearsed = true;
        self.query(&[DRY_RUN]).answer(200, JSON, Some(schema::reference::<T>))
    }

    /// `?activate=true` makes it run at once.
    pub(crate) fn activates(mut self) -> Self {
        (self.conflicts, self.partly) = (true, true);
        self.query(&[ACTIVATE, MESSAGE])
    }

    /// The request must name the state that it was made for.
    pub(crate) fn if_match(mut self) -> Self {
        self.precondition = Precondition::Required;
        self
    }

    /// It may.
    pub(crate) fn may_match(mut self) -> Self {
        self.precondition = Precondition::Optional;
        self
    }

    /// Can be refused for what else goes on.
    pub(crate) fn conflicts(mut self) -> Self {
        self.conflicts = true;
        self
    }

    /// The answer holds a secret.
    pub(crate) fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Tells directors something that one of them may lack afterwards: 202.
    pub(crate) fn partly(mut self) -> Self {
        self.partly = true;
        self
    }

    /// Can be refused for what is read.
    pub(crate) fn refuses(mut self) -> Self {
        self.refuses = true;
        self
    }

    /// The request's parameters are known, said once and have values that can be taken, and it names the state that it
    /// was made for where it has to.
    pub(crate) fn check(&self, query: &str, headers: &HeaderMap) -> Result<(), Error> {
        let mut seen: Vec<&str> = Vec::new();
        let mut rehearsal = false;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(known) = self.query.iter().find(|known| known.name == name) else {
                return Err(self.unknown(&name));
            };
            if seen.contains(&known.name) {
                return Err(Error::Parameter(format!("{} comes twice", known.name)));
            }
            seen.push(known.name);
            known.kind.check(known.name, &value)?;
            rehearsal |= *known == DRY_RUN && value == "true";
        }
        if self.precondition == Precondition::Required
            && !rehearsal
            && !headers.contains_key(header::IF_MATCH)
        {
            return Err(Error::PreconditionMissing);
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> Error {
        let name: String = name.chars().take(64).collect();
        let known: Vec<&str> = self.query.iter().map(|query| query.name).collect();
        let hint = match (near(&name, known.iter().copied()), known.as_slice()) {
            (Some(meant), _) => format!("did you mean {meant}?"),
            (None, []) => "this address takes none".to_owned(),
            (None, known) => format!("this address takes {}", known.join(", ")),
        };
        Error::Parameter(format!("unknown parameter {name:?}; {hint}"))
    }
}

impl Kind {
    fn check(self, name: &str, value: &str) -> Result<(), Error> {
        let expected = match self {
            Kind::Flag if value == "true" || value == "false" => return Ok(()),
            Kind::Flag => "true or false".to_owned(),
            Kind::Number(least, most) => match value.parse::<u64>() {
                Ok(number) if (least..=most).contains(&number) => return Ok(()),
                _ if most == u64::MAX => format!("a whole number from {least}"),
                _ => format!("a whole number from {least} to {most}"),
            },
            Kind::Word(words) if words.contains(&value) => return Ok(()),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Text => return Ok(()),
        };
        let value: String = value.chars().take(64).collect();
        Err(Error::Parameter(format!("{name} {value:?}: {expected} is expected")))
    }
}
