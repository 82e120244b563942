//! What names in a file stand for: services by a fixed table, hosts by what the caller looked up.
//!
//! Nothing here asks the machine or the network, so that a file reads the same everywhere. A reader is handed a
//! [`Names`]; a host name without an entry stays a finding. The command line fills one when told to (`--resolve`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::Protocol;

/// Addresses of host names, as far as somebody looked them up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    hosts: BTreeMap<String, Vec<IpAddr>>,
}

impl Names {
    /// Adds what a name was found to stand for, in the order of preference; nothing where it is unknown.
    pub fn insert(&mut self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        self.hosts.entry(key(name)).or_default().extend(addresses);
    }

    /// The first IPv4 address of a host; `localhost` is always known.
    pub fn ipv4(&self, name: &str) -> Option<IpAddr> {
        self.addresses(name).iter().copied().find(IpAddr::is_ipv4).or_else(|| localhost(name))
    }

    /// The first address of a host, of either family; `localhost` is always known.
    pub fn any(&self, name: &str) -> Option<IpAddr> {
        self.addresses(name).first().copied().or_else(|| localhost(name))
    }

    fn addresses(&self, name: &str) -> &[IpAddr] {
        self.hosts.get(&key(name)).map_or(&[], Vec::as_slice)
    }
}

/// Names of hosts are the same in any letters, and with a dot at their end (RFC 4343, RFC 1034 section 3.1).
fn key(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn localhost(name: &str) -> Option<IpAddr> {
    (key(name) == "localhost").then_some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST))
}

/// Whether a text has the form of a host name: labels of letters, digits, `-` and `_`, and not all of them numbers.
pub(super) fn is_host_name(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let number_like =
        text.split('.').all(|part| part.is_empty() || part.starts_with(|c: char| c.is_ascii_digit()));
    !text.is_empty() && text.len() <= 253 && text.chars().all(letters) && !number_like
}

/// The port of a service by its name, in exactly these letters (IANA registry, and the aliases that `services` files
/// have). SCTP has no table of its own: its services have the numbers of TCP.
pub fn service_port(name: &str, protocol: Protocol) -> Option<u16> {
    let listed = |row: &&(&str, u16, Transport)| match protocol {
        Protocol::Tcp | Protocol::Sctp => row.2 != U,
        Protocol::Udp => row.2 != T,
    };
    SERVICES.iter().filter(|row| row.0 == name).find(listed).map(|row| row.1)
}

/// Which transports a service is registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Tcp,
    Udp,
    Both,
}

const T: Transport = Transport::Tcp;
const U: Transport = Transport::Udp;
const B: Transport = Transport::Both;

/// Service names with their ports, by port.
#[rustfmt::skip]
const SERVICES: &[(&str, u16, Transport)] = &[
    ("tcpmux", 1, T), ("echo", 7, B), ("discard", 9, B), ("sink", 9, B), ("null", 9, B), ("systat", 11, T),
    ("users", 11, T), ("daytime", 13, B), ("netstat", 15, T), ("qotd", 17, B), ("quote", 17, B),
    ("chargen", 19, B), ("ttytst", 19, B), ("source", 19, B), ("ftp-data", 20, T), ("ftp", 21, T), ("ssh", 22, T),
    ("telnet", 23, T), ("smtp", 25, T), ("mail", 25, T), ("time", 37, B), ("timserver", 37, B),
    ("nameserver", 42, B), ("nicname", 43, T), ("whois", 43, T), ("tacacs", 49, B), ("re-mail-ck", 50, B),
    ("domain", 53, B), ("bootps", 67, B), ("bootpc", 68, B), ("tftp", 69, U), ("gopher", 70, T), ("netrjs-1", 71, T),
    ("finger", 79, T), ("http", 80, B), ("www", 80, B), ("www-http", 80, B), ("link", 87, T),
    ("kerberos", 88, B), ("kerberos5", 88, B), ("krb5", 88, B), ("kerberos-sec", 88, B), ("supdup", 95, T),
    ("hostname", 101, T), ("hostnames", 101, T), ("iso-tsap", 102, T), ("tsap", 102, T), ("acr-nema", 104, T),
    ("poppassd", 106, T), ("csnet-ns", 105, B), ("cso-ns", 105, B), ("rtelnet", 107, B), ("pop2", 109, T),
    ("pop-2", 109, T), ("postoffice", 109, T), ("pop3", 110, T), ("pop-3", 110, T), ("sunrpc", 111, B),
    ("portmapper", 111, B), ("rpcbind", 111, B), ("auth", 113, T), ("authentication", 113, T), ("tap", 113, T),
    ("ident", 113, T), ("sftp", 115, T), ("uucp-path", 117, T), ("nntp", 119, T), ("readnews", 119, T),
    ("untp", 119, T), ("ntp", 123, B), ("epmap", 135, B), ("loc-srv", 135, B), ("netbios-ns", 137, B),
    ("netbios-dgm", 138, B), ("netbios-ssn", 139, B), ("imap", 143, T), ("imap2", 143, T), ("imap4", 143, T),
    ("snmp", 161, B), ("snmptrap", 162, B), ("snmp-trap", 162, B), ("cmip-man", 163, B),
    ("cmip-agent", 164, B), ("mailq", 174, B), ("xdmcp", 177, B), ("nextstep", 178, B), ("bgp", 179, T),
    ("irc", 194, B), ("smux", 199, T), ("at-rtmp", 201, B), ("z3950", 210, B), ("wais", 210, B), ("ipx", 213, B),
    ("imap3", 220, B), ("pawserv", 345, B), ("zserv", 346, B), ("rpc2portmap", 369, B), ("codaauth2", 370, B),
    ("clearcase", 371, B), ("ulistserv", 372, B), ("ldap", 389, B), ("imsp", 406, B), ("svrloc", 427, B),
    ("https", 443, B), ("snpp", 444, B), ("microsoft-ds", 445, B), ("kpasswd", 464, B), ("kpwd", 464, B),
    ("urd", 465, T), ("ssmtp", 465, T), ("smtps", 465, T), ("submissions", 465, T), ("photuris", 468, B),
    ("saft", 487, B), ("gss-http", 488, B), ("pim-rp-disc", 496, B), ("isakmp", 500, B), ("exec", 512, T),
    ("biff", 512, U), ("comsat", 512, U), ("login", 513, T), ("who", 513, U), ("whod", 513, U), ("shell", 514, T),
    ("cmd", 514, T), ("syslog", 514, U), ("printer", 515, T), ("spooler", 515, T), ("talk", 517, U),
    ("ntalk", 518, U), ("utime", 519, B), ("unixtime", 519, B), ("efs", 520, T), ("router", 520, U),
    ("route", 520, U), ("ripng", 521, B), ("timed", 525, B), ("tempo", 526, T), ("courier", 530, T),
    ("conference", 531, T), ("netnews", 532, T), ("netwall", 533, B), ("gdomap", 538, B), ("uucp", 540, T),
    ("uucpd", 540, T), ("klogin", 543, T), ("kshell", 544, T), ("krcmd", 544, T), ("dhcpv6-client", 546, B),
    ("dhcpv6-server", 547, B), ("afpovertcp", 548, T), ("rtsp", 554, B), ("remotefs", 556, T), ("nntps", 563, B),
    ("snntp", 563, B), ("submission", 587, T), ("msp", 587, T), ("nqs", 607, B), ("npmp-local", 610, B),
    ("qmaster", 628, B), ("asf-rmcp", 623, U), ("ipp", 631, B), ("ldaps", 636, B), ("ldp", 646, B),
    ("tinc", 655, B), ("silc", 706, B), ("kerberos-adm", 749, T), ("kerberos4", 750, B), ("domain-s", 853, B),
    ("rsync", 873, T), ("ftps-data", 989, T), ("ftps", 990, T), ("telnets", 992, T), ("imaps", 993, B),
    ("ircs", 994, B), ("pop3s", 995, B), ("spop3", 995, B), ("socks", 1080, T), ("proofd", 1093, T),
    ("rmiregistry", 1099, T), ("openvpn", 1194, B), ("lotusnote", 1352, T), ("lotusnotes", 1352, T),
    ("ms-sql-s", 1433, B), ("ms-sql-m", 1434, B), ("ica", 1494, B), ("ingreslock", 1524, T), ("oracle", 1521, T),
    ("ncube-lm", 1521, T), ("datametrics", 1645, B), ("sa-msg-port", 1646, B), ("kermit", 1649, B),
    ("groupwise", 1677, T), ("l2tp", 1701, B), ("l2f", 1701, B), ("h323gatestat", 1719, B),
    ("h323hostcall", 1720, B), ("pptp", 1723, B), ("radius", 1812, B), ("radius-acct", 1813, B),
    ("radacct", 1813, B), ("ssdp", 1900, B), ("mqtt", 1883, T), ("cisco-sccp", 2000, T), ("sieve", 4190, T),
    ("nfs", 2049, B), ("nfsd", 2049, B), ("gnunet", 2086, B), ("rtcm-sc104", 2101, B), ("zookeeper", 2181, T),
    ("eforward", 2181, T), ("gsigatekeeper", 2119, T), ("gris", 2135, T), ("cvspserver", 2401, T),
    ("venus", 2430, B), ("venus-se", 2431, B), ("codasrv", 2432, B), ("codasrv-se", 2433, B), ("mon", 2583, B),
    ("dict", 2628, T), ("squid", 3128, T), ("ndl-aas", 3128, T), ("icpv2", 3130, B), ("gsiftp", 2811, T),
    ("gpsd", 2947, T), ("gds-db", 3050, T), ("icap", 1344, T), ("iscsi-target", 3260, T), ("msft-gc", 3268, B),
    ("msft-gc-ssl", 3269, B), ("mysql", 3306, B), ("ms-wbt-server", 3389, B), ("nut", 3493, B),
    ("distcc", 3632, T), ("daap", 3689, T), ("svn", 3690, B), ("subversion", 3690, B), ("suucp", 4031, T),
    ("sysrqd", 4094, T), ("epmd", 4369, T), ("remctl", 4373, T), ("f5-iquery", 4353, T), ("ipsec-nat-t", 4500, U),
    ("iax", 4569, U), ("radmin-port", 4899, T), ("rfe", 5002, T), ("mmcc", 5050, T), ("sip", 5060, B),
    ("sip-tls", 5061, B), ("sips", 5061, B), ("aol", 5190, B), ("xmpp-client", 5222, T), ("jabber-client", 5222, T),
    ("xmpp-server", 5269, T), ("jabber-server", 5269, T), ("cfengine", 5308, T), ("mdns", 5353, B),
    ("postgresql", 5432, B), ("postgres", 5432, B), ("freeciv", 5556, T), ("rfb", 5900, B), ("vnc-server", 5900, B),
    ("amqps", 5671, T), ("amqp", 5672, B), ("couchdb", 5984, T), ("x11", 6000, T), ("redis", 6379, T),
    ("gnutella-svc", 6346, B), ("syslog-tls", 6514, T), ("ircd", 6667, T),
    ("afs3-fileserver", 7000, B), ("bbs", 7000, T), ("font-service", 7100, T), ("xfs", 7100, T), ("asterix", 8600, T),
    ("http-alt", 8080, B), ("webcache", 8080, B), ("tproxy", 8081, B), ("sunproxyadmin", 8081, B),
    ("puppet", 8140, T), ("omniorb", 8088, T), ("https-alt", 8443, T), ("pcsync-https", 8443, T),
    ("secure-mqtt", 8883, T), ("cslistener", 9000, T), ("bacula-dir", 9101, T), ("bacula-fd", 9102, T),
    ("bacula-sd", 9103, T), ("xmms2", 9667, T), ("git", 9418, T), ("zope", 9673, T), ("webmin", 10000, T),
    ("ndmp", 10000, T), ("zabbix-agent", 10050, T), ("zabbix-trapper", 10051, T), ("amanda", 10080, T),
    ("kamanda", 10081, T), ("amandaidx", 10082, T), ("amidxtape", 10083, T), ("memcache", 11211, B),
    ("nbd", 10809, T), ("dicom-tls", 2762, T), ("hkp", 11371, T), ("pgpkeyserver", 11371, T), ("dicom-iscl", 2761, T),
    ("sgi-cmsd", 17001, U), ("db-lsp", 17500, T), ("dcap", 22125, T), ("gsidcap", 22128, T), ("wnn6", 22273, T),
    ("binkp", 24554, T), ("quake", 26000, B), ("mongodb", 27017, T), ("traceroute", 33434, U),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_known_by_transport_and_in_their_own_letters() {
        let tcp = |name| service_port(name, Protocol::Tcp);
        let udp = |name| service_port(name, Protocol::Udp);
        assert_eq!((tcp("http"), tcp("webcache"), tcp("ldaps")), (Some(80), Some(8080), Some(636)));
        assert_eq!((tcp("HTTP"), tcp("frontdoor"), tcp("")), (None, None, None));
        assert_eq!((udp("domain"), udp("syslog"), udp("ssh")), (Some(53), Some(514), None));
        assert_eq!((tcp("syslog"), tcp("shell"), udp("biff")), (None, Some(514), Some(512)));
        assert_eq!(service_port("sip", Protocol::Sctp), Some(5060));
    }

    #[test]
    fn a_service_has_one_port() {
        for (index, (name, port, _)) in SERVICES.iter().enumerate() {
            assert!(SERVICES.iter().skip(index).all(|row| row.0 != *name || row.1 == *port), "{name}");
        }
    }

    #[test]
    fn hosts_are_what_the_caller_says_and_localhost() {
        let mut names = Names::default();
        names.insert("Web1.example.com.", ["2001:db8::1".parse().unwrap(), "10.0.0.1".parse().unwrap()]);
        names.insert("gone.example.com", []);
        assert_eq!(names.ipv4("web1.EXAMPLE.com"), "10.0.0.1".parse().ok());
        assert_eq!(names.any("web1.example.com"), "2001:db8::1".parse().ok());
        assert_eq!((names.any("gone.example.com"), names.any("other")), (None, None));
        assert_eq!(names.ipv4("localhost"), "127.0.0.1".parse().ok());
    }

    #[test]
    fn host_names_are_told_from_addresses() {
        for name in ["www.example.com", "web-1", "lvs1", "a_b", "3com.example"] {
            assert!(is_host_name(name), "{name}");
        }
        for other in ["", "10.0.0.1", "300.1.2.3", "10.1", "a b", "192.0.2.1/24", "2001:db8::1", "é"] {
            assert!(!is_host_name(other), "{other}");
        }
    }
}
