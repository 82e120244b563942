//! Any bytes as an lvs.cf: no panic, and the contract of every reader.

#![no_main]

#[path = "../../lvs/tests/hostile/contract.rs"]
#[allow(dead_code)]
mod contract;

use libfuzzer_sys::fuzz_target;
use lvs::format::FileKind;

fuzz_target!(|bytes: &[u8]| {
    contract::file(FileKind::LvsCf, bytes);
});
