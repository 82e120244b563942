//! Reads keepalived.conf: files as keepalived reads them, and texts in which such files were pasted. Writes them, too.
//!
//! From text to statements: `syntax` (files) and `paste` (any text), both with `lexer` and `syntax_blocks`. Nothing
//! here opens a file; those beside a configuration are handed in as a map.
//!
//! From statements to a cluster: `node` reads what one node says, with a module for each kind of block (`globals`,
//! `vrrp`, `services` …); `nodes` puts the two nodes of a cluster together. What nothing acts on is put aside under
//! keys that begin with `keepalived:`, with a finding that says why.

mod addresses;
mod checkers;
mod compare;
mod condition_blocks;
mod conditions;
mod differences;
mod forwarding;
mod glob;
mod globals;
mod groups;
mod hooks;
mod http;
mod instance_whole;
mod kept;
mod lexer;
mod names;
mod node;
mod nodes;
mod paste;
mod persistence;
mod read;
mod reader;
mod redundancy;
mod repetition;
mod routes;
mod servers;
mod services;
mod syntax;
mod syntax_blocks;
#[cfg(test)]
mod syntax_cases;
mod syntax_line;
mod syntax_notes;
mod syntax_statements;
mod syntax_tables;
mod syntax_words;
mod texts;
mod timing;
mod tracked;
mod tracking;
mod tree;
mod unacted;
mod values;
mod values_tables;
mod variables;
mod vrrp;
mod write;

pub use node::CLUSTER_NAME;
pub use read::{parts, read, read_paste};
pub(super) use syntax::is_too_long;
pub use write::{Export, NodeFile, write};
