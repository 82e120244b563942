//! Health: the rules one by one, as properties over random worlds, and against what other systems would have done.

mod conformance;
mod desk;
mod members;
mod orders;
mod properties;
mod scale;
mod services;
mod silence;
