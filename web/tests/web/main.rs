//! The pages and the API as a service on a real console in a folder of its own, asked by HTTP without a network.

mod api;
mod catalogue;
mod guard;
mod html;
mod journey;
mod live;
mod matrix;
mod screens;
mod site;
mod vendor;
