//! Numbers, ports, addresses, devices, masks and keywords of settings, with what is said about them.
//!
//! `value` decides what a word is worth; this puts it to a line and says what was wrong or assumed.

use std::fmt;
use std::net::IpAddr;

use crate::finding::Code;
use crate::format::names::service_port;
use crate::format::places::Spot;
use crate::model::{Device, Protocol};

use super::document::{Setting, excerpt};
use super::lexer::Word;
use super::reader::Reader;
use super::value::{self, Address, Mask, Number};

/// Whether the daemons take a service name for a port here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// They do.
    Allowed,
    /// They want a number.
    Refused,
}

/// What a mask belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MaskOf {
    /// An address on an interface.
    Address,
    /// Clients that count as one.
    Clients,
}

impl Reader<'_> {
    fn integer(&mut self, spot: Spot, text: &str) -> Option<i64> {
        match value::number(text) {
            Some(Number { value, octal }) => {
                if octal {
                    let plain = text.trim_start_matches('0');
                    self.warn(spot, Code::NumberOctal)
                        .with("text", text)
                        .with("value", value)
                        .suggest(Some(plain));
                }
                Some(value)
            }
            None => {
                let plain = text.trim_start_matches('0');
                let meant = (plain != text && value::number(plain).is_some()).then_some(plain);
                let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
                let large =
                    meant.is_none() && !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
                let code =
                    if large && !digits.starts_with('0') { Code::NumberLarge } else { Code::NumberBad };
                self.error(spot, code).with("text", excerpt(text)).suggest(meant);
                None
            }
        }
    }

    /// Any whole number.
    pub(super) fn any_number(&mut self, setting: &Setting<'_>) -> Option<i64> {
        let word = self.value(setting)?;
        self.integer(setting.spot_of(word), &word.text)
    }

    /// A whole number within bounds.
    pub(super) fn number<T>(&mut self, setting: &Setting<'_>, least: T, most: T) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + fmt::Display,
    {
        let value = self.any_number(setting)?;
        self.within(setting, value, least, most)
    }

    /// Any whole number up to a bound; what is less than `least` is returned for the caller to make sense of.
    pub(super) fn number_up_to(&mut self, setting: &Setting<'_>, least: i64, most: i64) -> Option<i64> {
        let value = self.any_number(setting)?;
        if value < least { Some(value) } else { self.within(setting, value, least, most) }
    }

    fn within<T>(&mut self, setting: &Setting<'_>, value: i64, least: T, most: T) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + fmt::Display,
    {
        match T::try_from(value) {
            Ok(number) if number >= least && number <= most => Some(number),
            _ => {
                self.error(setting.spot(), Code::NumberRange)
                    .with("word", &setting.name.text)
                    .with("least", least)
                    .with("most", most)
                    .with("value", value);
                None
            }
        }
    }

    /// 0 or 1; words and other numbers are taken for what they mean.
    pub(super) fn boolean(&mut self, setting: &Setting<'_>) -> Option<bool> {
        let word = self.value(setting)?;
        let spot = setting.spot_of(word);
        let text = word.text.as_ref();
        let assumed = match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "true" => Some(true),
            "no" | "off" | "false" => Some(false),
            _ => match value::number(text).map(|number| number.value) {
                Some(0) => return Some(false),
                Some(1) => return Some(true),
                Some(_) => Some(true),
                None => None,
            },
        };
        match assumed {
            Some(value) => {
                let digit = u8::from(value);
                self.warn(spot, Code::BooleanWord)
                    .with("text", text)
                    .with("value", digit)
                    .suggest(Some(digit));
            }
            None => {
                self.error(spot, Code::BooleanBad)
                    .with("word", &setting.name.text)
                    .with("text", excerpt(text));
            }
        }
        assumed
    }

    /// A port by number or by the name of a TCP service. `named` says whether the daemons allow a name here.
    pub(super) fn port(&mut self, setting: &Setting<'_>, named: Named) -> Option<u16> {
        let word = self.value(setting)?;
        let spot = setting.spot_of(word);
        let text = word.text.as_ref();
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
            let value = self.integer(spot, text)?;
            return self.within(setting, value, 0, u16::MAX);
        }
        // A table of services tells capitals from small letters.
        let small = text.to_ascii_lowercase();
        let known = |name: &str| service_port(name, Protocol::Tcp);
        let port = known(text).or_else(|| known(&small));
        if port.is_some() && known(text).is_none() {
            self.warn(spot, Code::LetterCase).with("text", text).with("word", &small);
        }
        match port {
            None => {
                self.error(spot, Code::PortBad).with("text", excerpt(text));
            }
            Some(value) if named == Named::Refused => {
                self.warn(spot, Code::PortName).with("text", text).with("value", value).suggest(Some(value));
            }
            Some(_) => {}
        }
        port
    }

    /// An address in a word; a host name that nobody looked up is an error.
    pub(super) fn address(&mut self, setting: &Setting<'_>, word: &Word<'_>) -> Option<IpAddr> {
        let spot = setting.spot_of(word);
        let text = word.text.as_ref();
        match value::address(text) {
            Address::Plain(address) => Some(address.into()),
            Address::OddForm(address) => {
                self.warn(spot, Code::AddressForm)
                    .with("text", excerpt(text))
                    .with("value", address)
                    .suggest(Some(address));
                Some(address.into())
            }
            Address::Newer(address) => {
                self.warn(spot, Code::AddressNewer).with("text", address);
                Some(address.into())
            }
            Address::Name => {
                let found = self.names.ipv4(text);
                match found {
                    Some(address) => {
                        self.warn(spot, Code::HostResolved)
                            .with("text", excerpt(text))
                            .with("value", address)
                            .suggest(Some(address));
                    }
                    None => _ = self.error(spot, Code::HostName).with("text", excerpt(text)),
                }
                found
            }
            Address::Bad => {
                let (plain, _) = text.split_once('/').unwrap_or_default();
                let meant = matches!(value::address(plain), Address::Plain(_)).then_some(plain);
                self.error(spot, Code::AddressBad).with("text", excerpt(text)).suggest(meant);
                None
            }
        }
    }

    /// The one address that a directive has.
    pub(super) fn only_address(&mut self, setting: &Setting<'_>) -> Option<IpAddr> {
        let word = self.value(setting)?;
        self.address(setting, word)
    }

    /// A device in a word.
    pub(super) fn device(&mut self, setting: &Setting<'_>, word: &Word<'_>) -> Option<Device> {
        match word.text.parse() {
            Ok(device) => Some(device),
            Err(reason) => {
                self.error(setting.spot_of(word), Code::DeviceBad)
                    .with("text", excerpt(&word.text))
                    .with("reason", reason);
                None
            }
        }
    }

    /// A mask as a prefix length; none where it is not given or useless. `gaps` says what to take for one with gaps.
    pub(super) fn mask(&mut self, setting: &Setting<'_>, of: MaskOf) -> Option<u8> {
        let word = self.value(setting)?;
        let spot = setting.spot_of(word);
        let as_the_daemons = self.exact && value::classic(&word.text).is_some();
        match if as_the_daemons { value::classic_mask(&word.text) } else { value::mask(&word.text) } {
            Mask::Unset => None,
            // The daemons pass over what is no mask to them, so that is what has been running.
            Mask::Prefix { length, .. } if of == MaskOf::Clients && value::classic(&word.text).is_none() => {
                self.warn(spot, Code::MaskIgnored)
                    .with("text", excerpt(&word.text))
                    .suggest(Some(value::netmask(length)));
                None
            }
            Mask::Prefix { length, odd_form } => {
                if odd_form {
                    let mask = value::netmask(length);
                    self.warn(spot, Code::MaskForm)
                        .with("text", &word.text)
                        .with("value", mask)
                        .suggest(Some(mask));
                }
                Some(length)
            }
            Mask::Gaps { mask, leading } => {
                // An address with a mask that the kernel refuses stays a host address. Clients, though, are grouped:
                // the leading ones come nearest to what the mask did.
                let taken = Some(leading).filter(|leading| of == MaskOf::Clients && *leading > 0);
                self.warn(spot, Code::MaskGaps)
                    .with("mask", mask)
                    .with("value", value::netmask(taken.unwrap_or(32)));
                taken
            }
            Mask::Bad if of == MaskOf::Clients => {
                self.warn(spot, Code::MaskIgnored).with("text", excerpt(&word.text));
                None
            }
            Mask::Bad => {
                self.error(spot, Code::MaskBad).with("text", excerpt(&word.text));
                None
            }
        }
    }

    /// A keyword; small letters are assumed where it is written in others.
    pub(super) fn keyword(
        &mut self,
        setting: &Setting<'_>,
        choices: &[&'static str],
    ) -> Option<&'static str> {
        let word = self.value(setting)?;
        let spot = setting.spot_of(word);
        let text = word.text.as_ref();
        let found = choices.iter().copied().find(|choice| choice.eq_ignore_ascii_case(text));
        match found {
            Some(choice) if choice != text => {
                self.warn(spot, Code::LetterCase).with("text", text).with("word", choice);
            }
            Some(_) => {}
            None => {
                self.error(spot, Code::KeywordUnknown)
                    .with("word", &setting.name.text)
                    .with("choices", choices.join(", "))
                    .with("text", excerpt(text));
            }
        }
        found
    }
}
