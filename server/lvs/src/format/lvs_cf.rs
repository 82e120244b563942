//! Piranha's lvs.cf.
