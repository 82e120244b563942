//! Any bytes as a message between the console and a director: refused, or kept as it is.

#![no_main]

#[path = "../../lvs/tests/hostile/contract.rs"]
#[allow(dead_code)]
mod contract;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    contract::message(bytes);
});
