//! Asking generic netlink for the number of a family (`nlctrl`); the number differs from boot to boot.

use super::attribute::Attributes;
use super::message::{GENERIC_HEADER, Message};
use super::{Malformed, take};

/// The controller's own, fixed family number (`GENL_ID_CTRL`).
const CONTROLLER: u16 = 16;
/// `CTRL_CMD_GETFAMILY`.
const GET_FAMILY: u8 = 3;
/// `CTRL_ATTR_FAMILY_ID`.
const FAMILY_ID: u16 = 1;
/// `CTRL_ATTR_FAMILY_NAME`.
const FAMILY_NAME: u16 = 2;

/// Asks for the family with this name.
pub fn get_family(name: &str) -> Message {
    let mut message = Message::generic(CONTROLLER, GET_FAMILY, 0);
    message.put_text(FAMILY_NAME, name);
    message
}

/// The number in the answer.
pub fn family(mut payload: &[u8]) -> Result<u16, Malformed> {
    take(&mut payload, GENERIC_HEADER)?;
    for attribute in Attributes::new(payload) {
        let attribute = attribute?;
        if attribute.kind == FAMILY_ID {
            return attribute.u16();
        }
    }
    Err(Malformed)
}
