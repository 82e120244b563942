//! Under which name the console is opened: a browser makes and shows passkeys for one host name, and for no address.
//!
//! The name in a request is believed where it is one that the console was given, or where it was given none, and where
//! the browser says that the page came from there. Pure; called by the pages, before anything about a passkey.

use std::net::IpAddr;

/// The host name that passkeys are made for, and where the page is that asks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyPlace {
    /// The host name: the relying party of WebAuthn.
    pub(super) host: String,
    /// `https://HOST:PORT` of the pages.
    pub(super) origin: String,
}

impl PasskeyPlace {
    /// The host name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Where the pages are (`https://HOST:PORT`).
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// Why no passkey can be used here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPasskeyPlace {
    /// The console was opened by an address.
    #[error("passkeys need a host name; the console was opened by an address")]
    Address {
        /// A name it was given, to open it by.
        name: Option<String>,
    },
    /// The console was opened by a name that is none of its own.
    #[error("{host} is none of the console's names ({name}, …)")]
    Unknown {
        /// What it was opened by.
        host: String,
        /// A name it was given, to open it by.
        name: String,
    },
    /// The request was not sent by a page of that name.
    #[error("the request does not come from a page of that name")]
    Foreign,
}

/// Whether browsers would take it for a host name and for no address.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // What ends with a number is an address, however it is written.
    let last = host.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    host.len() <= 253 && host.split('.').all(label) && !number && host.parse::<IpAddr>().is_err()
}

/// The place of a request to `authority` (host and port), for a console of these names.
pub(super) fn place_of(names: &[String], authority: Option<&str>) -> Result<PasskeyPlace, NoPasskeyPlace> {
    let authority = authority.unwrap_or_default().to_ascii_lowercase();
    let own: Vec<String> =
        names.iter().map(|name| name.to_ascii_lowercase()).filter(|name| is_name(name)).collect();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => &authority,
    };
    if !is_name(host) {
        return Err(NoPasskeyPlace::Address { name: own.into_iter().next() });
    }
    // `localhost` is this machine, whatever else it is called.
    if host != "localhost"
        && let Some(name) = own.first().filter(|_| !own.iter().any(|name| name == host))
    {
        return Err(NoPasskeyPlace::Unknown { host: host.to_owned(), name: name.clone() });
    }
    Ok(PasskeyPlace { host: host.to_owned(), origin: format!("https://{authority}") })
}

/// The same where the request says which page sent it (`Origin`): it must be one of that place.
pub(super) fn place_from(
    names: &[String],
    authority: Option<&str>,
    origin: Option<&str>,
) -> Result<PasskeyPlace, NoPasskeyPlace> {
    let place = place_of(names, authority)?;
    let same = origin.is_some_and(|origin| origin.eq_ignore_ascii_case(&place.origin));
    if same { Ok(place) } else { Err(NoPasskeyPlace::Foreign) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_name_of_the_console_or_any_name_where_it_has_none() {
        let place = place_of(&names(&[]), Some("Console.Example:3636")).unwrap();
        assert_eq!((place.host(), place.origin()), ("console.example", "https://console.example:3636"));
        let own = names(&["192.0.2.1", "lb.example", "Caribe.Example"]);
        for (authority, host) in [
            ("lb.example", "lb.example"),
            ("caribe.example:443", "caribe.example"),
            ("localhost:3636", "localhost"),
        ] {
            assert_eq!(place_of(&own, Some(authority)).unwrap().host(), host);
        }
        assert_eq!(
            place_of(&own, Some("evil.example:3636")),
            Err(NoPasskeyPlace::Unknown { host: "evil.example".to_owned(), name: "lb.example".to_owned() })
        );
    }

    #[test]
    fn an_address_is_no_name_however_it_is_written() {
        let own = names(&["lb.example"]);
        for authority in [
            "192.0.2.1:3636",
            "192.0.2.1",
            "[2001:db8::1]:3636",
            "[::1]",
            "3221225985",
            "0xc0.0x2",
            "",
            "a..b",
        ] {
            let refused = place_of(&own, Some(authority));
            assert_eq!(
                refused,
                Err(NoPasskeyPlace::Address { name: Some("lb.example".to_owned()) }),
                "{authority}"
            );
        }
        assert_eq!(place_of(&[], None), Err(NoPasskeyPlace::Address { name: None }));
    }

    #[test]
    fn the_page_that_asks_must_be_of_that_place() {
        let asked = |origin| place_from(&[], Some("lb.example:3636"), origin);
        assert!(asked(Some("https://lb.example:3636")).is_ok());
        for origin in [
            None,
            Some("null"),
            Some("http://lb.example:3636"),
            Some("https://lb.example"),
            Some("https://evil.example:3636"),
        ] {
            assert_eq!(asked(origin), Err(NoPasskeyPlace::Foreign), "{origin:?}");
        }
    }
}
