//! The rules of the heartbeat, one by one: two machines, a perfect or a cut wire between them, and time by hand.

mod changing;
mod doubting;
mod pair;
