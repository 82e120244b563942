//! Where this console sends anything: alerts, and its questions to the provider of single sign-on. The addresses are typed
//! by a person into a page, and this machine and its link have services that trust whoever speaks from there: other
//! daemons on loopback, the metadata of a cloud. They are not reached unless the machine's own settings allow it. Names
//! count by what they resolve to, at every attempt.

use std::net::{IpAddr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether an address is that of another machine, not on the link alone.
fn is_outside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let own = v4.is_loopback() || v4.is_unspecified() || v4.octets().starts_with(&[0]);
            !own && !v4.is_link_local() && !v4.is_multicast() && !v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            // A cloud's metadata in the unique local range: fd00:ec2::254.
            let metadata = v6.segments().starts_with(&[0xfd00, 0x0ec2]);
            let own = v6.is_loopback() || v6.is_unspecified() || metadata;
            !own && !v6.is_unicast_link_local() && !v6.is_multicast()
        }
    }
}

fn refused(what: &str) -> String {
    format!(
        "{what} is this machine or on its link alone, and nothing is sent there; local_webhooks = true in [serve] \
         of the settings file allows it"
    )
}

/// Refused where the address stands in the URL itself; names are looked at when they are resolved.
pub(crate) fn check(url: &str) -> Result<(), String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    match address.filter(|address| !is_outside(*address)) {
        Some(address) => Err(refused(&address.to_string())),
        None => Ok(()),
    }
}

/// Resolves names to what is outside.
pub(crate) struct Outside;

impl Resolve for Outside {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let outside: Vec<SocketAddr> = all.filter(|address| is_outside(address.ip())).collect();
            match outside.is_empty() {
                true => Err(refused(name.as_str()).into()),
                false => Ok(Box::new(outside.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_its_link_are_not_outside_however_they_are_written() {
        for url in [
            "http://127.0.0.1:9/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "http://0.0.0.0/",
            "http://169.254.169.254/latest/meta-data",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
        ] {
            assert!(check(url).unwrap_err().contains("local_webhooks"), "{url}");
        }
        for url in [
            "http://192.0.2.1/",
            "https://10.0.0.5:8443/x",
            "http://[2001:db8::1]/",
            "https://chat.example/x",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }
}
