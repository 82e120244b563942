//! The files administrators bring, and the texts they can take out again.

pub mod ipvsadm;
pub mod lvs_cf;
