//! The REST API, `/api/v1/…`: the same functions of the console as the pages, for automation.
//!
//! Callers prove themselves with bearer tokens only; cookies are not looked at. Bodies and answers are the model's
//! JSON; answers add read-only members, which writes may send back and which are passed over. Writes of small
//! objects change the caller's draft, and activate it with `?activate=true`. Everything that can be changed has an
//! entity tag, and a change of something that exists must name it (`If-Match`).

mod accounts;
mod activations;
mod adoption;
mod alerts;
mod approval;
mod clusters;
mod directors;
mod drafts;
mod enrolments;
mod events;
mod exports;
mod health;
mod heartbeat;
mod imports;
mod metrics;
mod observed;
pub(crate) mod openapi;
mod operation;
mod orders;
mod pace;
pub(crate) mod pages;
mod passkeys;
pub(crate) mod problem;
mod real_servers;
pub(crate) mod reference;
mod repeat;
mod request;
mod revisions;
mod roles;
mod schema;
mod search;
mod series;
mod shape;
mod sign_on;
mod status;
mod stream;
mod system;
mod table;
mod trying;
mod unique;
mod virtual_servers;

pub(crate) use activations::Activations;
pub(crate) use openapi::Document;
pub(crate) use operation::Operation;
pub use pace::Limits;
pub(crate) use pace::Pace;
pub(crate) use request::quoted;
pub(crate) use stream::Streams;
pub(crate) use table::routes;
