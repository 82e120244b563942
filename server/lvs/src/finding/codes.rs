//! The list of finding codes with their English sentences. Codes are stable: automation and translations key on them.

mod checks;
mod files;
mod host;
mod keepalived;

macro_rules! codes {
    ($( $variant:ident $name:literal $text:literal; )*) => {
        /// What a finding is about. The documentation of each is its sentence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $( #[doc = $text] $variant, )* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[ $( Code::$variant, )* ];

            /// The stable name, as printed in brackets and sent by the API.
            pub fn as_str(self) -> &'static str {
                match self { $( Code::$variant => $name, )* }
            }

            /// The English sentence with `{name}` where a value goes.
            pub fn template(self) -> &'static str {
                match self { $( Code::$variant => $text, )* }
            }
        }
    };
}

host::with_host! {
    // Fields of a cluster (`Cluster::findings`).
    NameMissing "name-missing" "a name is needed";
    NameTooLong "name-too-long" "a name has at most 64 characters, this one has {length}";
    NameCharacter "name-character" "{character} cannot be part of a name";
    NameBlankEdge "name-blank-edge" "a name neither begins nor ends with a blank";
    NameTaken "name-taken" "the name {name} is used twice";
    IdTaken "id-taken" "the id {id} is used twice";
    AddressUnspecified "address-unspecified" "{address} is a placeholder, not an address";
    AddressMulticast "address-multicast" "{address} is a multicast address";
    AddressBroadcast "address-broadcast" "{address} is the broadcast address";
    AddressLoopback "address-loopback" "{address} is a loopback address, which no other machine can reach";
    AddressMapped "address-mapped" "{address} is an IPv4 address in IPv6 clothing; write it as IPv4";
    DirectorsMissing "directors-missing" "no director is named, so nothing will forward traffic";
    DirectorsTooMany "directors-too-many" "a cluster has at most two directors, this one has {count}";
    SeatTaken "seat-taken" "there is already a {seat} director";
    SeatBackupAlone "seat-backup-alone" "a backup director needs a primary";
    DirectorAddressShared "director-address-shared" "{address} is also an address of director {director}; each director needs its own, or each takes itself for the other";
    DirectorAddressTwice "director-address-twice" "{address} is both the public and the private address, so there is one heartbeat path, not two";
    DirectorFamilies "director-families" "{address} and the partner's {partner} are of different families, so no heartbeat can pass between them";
    RedundancyAlone "redundancy-alone" "redundancy needs two directors";
    HeartbeatPort "heartbeat-port" "a UDP port is a number from 1 to 65535";
    HeartbeatInterval "heartbeat-interval" "the interval is {value} ms; it must be {minimum} to {maximum} ms";
    DeadtimeRange "deadtime-range" "the deadtime is {value} ms; it may be at most {maximum} ms";
    DeadtimeTooShort "deadtime-too-short" "a deadtime of {deadtime} ms is shorter than the interval of {interval} ms, so a living partner would count as dead";
    DeadtimeShort "deadtime-short" "a deadtime of {deadtime} ms is less than three intervals of {interval} ms; directors wait {used} ms";
    PulseInsecure "pulse-insecure" "Piranha's beat authenticates nothing: anybody who can send from the partner's address can move the virtual addresses; speak it only while a pair is being migrated";
    SyncAlone "sync-alone" "connections are only copied while redundancy is on";
    CommandEmpty "command-empty" "the command is empty";
    CommandPath "command-path" "{program} is no absolute path; no shell and no search path is used";
    TextTooLong "text-too-long" "at most {maximum} characters are possible, these are {length}";
    PrefixRange "prefix-range" "a prefix length is {minimum} to {maximum} here, not {value}";
    TimeoutRange "timeout-range" "a session timeout is at most {maximum} seconds, not {value}; 0 leaves the kernel's own";
    NatRouterUnused "nat-router-unused" "no real server is behind NAT, so this address serves nobody";
    AddressOfDirector "address-of-director" "{address} is the own address of director {director} and cannot move to the other";
    DeviceDiffers "device-differs" "{address} is already put on {device} by {other}; one address has one device";
    LabelDiffers "label-differs" "{address} already has the label {label} by {other}, which is used";
    AddressPrefixDiffers "address-prefix-differs" "{address} already has the prefix length {prefix} by {other}; one address has one prefix length";
    LabelTaken "label-taken" "the label {label} already stands for {address} of {other}; give each address its own";
    LabelFamily "label-family" "labels such as {label} exist for IPv4 only; write {interface}";
    VipMissing "vip-missing" "a virtual server needs an address or a firewall mark";
    VipUnmanaged "vip-unmanaged" "no device is given, so {address} is not put on any interface here; the host or its router must already have it";
    FamilyDiffers "family-differs" "{address} is not of the family {family}";
    FamilyUnused "family-unused" "only a service by firewall mark names its family";
    ServiceTaken "service-taken" "{key} is already served by {other}";
    PortZero "port-zero" "port 0 means all ports and needs persistence or a firewall mark";
    OnePacketProtocol "one-packet-protocol" "one-packet scheduling is for UDP, not for {protocol}";
    SchedulerFlag "scheduler-flag" "the scheduler {scheduler} has no flag {flag}";
    PersistenceRange "persistence-range" "persistence is {minimum} to {maximum} seconds, not {value}";
    DirectorAddressMissing "director-address-missing" "the address of {director} is needed: its partner sends to it";
    GatewayOwn "gateway-own" "{address} belongs to this cluster itself; isolation is told from a router that is no part of it";
    GatewayLinkLocal "gateway-link-local" "{address} is link-local, so it does not say on which interface; give the router's other address";
    GatewayAlone "gateway-alone" "the gateway is only asked while redundancy is on";
    WitnessAlone "witness-alone" "the console is only asked while redundancy is on";
    WitnessLate "witness-late" "the console has {left} ms to answer before addresses are claimed without it; give it {needed} ms by a longer deadtime";
    AddressDeviceMissing "address-device-missing" "the device for {address} is missing";
    PreemptDelay "preempt-delay" "the wait before taking back is at most {maximum} seconds, not {value}";
    VrrpInstanceMissing "vrrp-instance-missing" "VRRP needs at least one virtual router";
    VrrpInterval "vrrp-interval" "VRRP version {version} cannot say an interval of {value} ms: version 2 has whole seconds, version 3 hundredths up to 40.95 s";
    VrrpIdTaken "vrrp-id-taken" "the virtual router id {id} is already used on this interface by {other}";
    VrrpFamilies "vrrp-families" "{address} is not of the family of the first address; one virtual router has one family";
    VrrpAddresses "vrrp-addresses" "a virtual router needs an address";
    VrrpPriority "vrrp-priority" "the priority {primary} of the primary is not above {backup} of the backup, so the backup is preferred";
    VrrpPassword "vrrp-password" "a VRRP password has 1 to 8 bytes, not {length}";
    VrrpPasswordUnused "vrrp-password-unused" "VRRP version 3 has no passwords; this one is not used";
    SecretMasked "secret-masked" "only the mask of a secret was given, and nothing is known that it stands for";
    RealServersMany "real-servers-many" "{count} real servers in one service are more than were tried; expect slow dumps";
    ServerTaken "server-taken" "{key} is already the real server {other}";
    PortRewrite "port-rewrite" "{forwarding} cannot change the port: {port} here, {service_port} at the virtual server; only NAT can";
    PortUnused "port-unused" "{forwarding} leaves the port as it is, so {port} has no effect";
    FamilyNeedsTunnel "family-needs-tunnel" "{address} is not {family} as the service is; only a tunnel carries one family in the other";
    FamilyWithSync "family-with-sync" "{address} is not {family} as the service is; that is impossible while connections are copied to the partner";
    TunnelPortMissing "tunnel-port-missing" "a GUE tunnel needs a UDP port";
    TunnelPortUnused "tunnel-port-unused" "a tunnel of kind {kind} has no port; only GUE has one";
    TunnelChecksum "tunnel-checksum" "a tunnel of kind {kind} has no {checksum} checksum";
    LimitUpper "limit-upper" "the upper connection limit is at least 1";
    LimitOrder "limit-order" "the lower connection limit {lower} is above the upper one {upper}";
    // Texts of ipvsadm (`format::ipvsadm`).
    IpvsadmWord "ipvsadm-word" "{word} is no option of ipvsadm that describes a table";
    IpvsadmValueMissing "ipvsadm-value-missing" "{option} needs a value";
    IpvsadmTwice "ipvsadm-twice" "{option} says again what {first} already said";
    IpvsadmConflict "ipvsadm-conflict" "{option} and {first} exclude each other; ipvsadm refuses the line";
    IpvsadmOrder "ipvsadm-order" "ipvsadm wants {option} after {first}; it is read as if it were";
    IpvsadmCommandMissing "ipvsadm-command-missing" "the line says neither -A nor -a";
    IpvsadmServiceMissing "ipvsadm-service-missing" "{command} needs a service: -t, -u, --sctp-service or -f";
    IpvsadmServerMissing "ipvsadm-server-missing" "{command} needs a real server: -r";
    IpvsadmOptionUnused "ipvsadm-option-unused" "{option} does not go with {command}";
    IpvsadmCommandUnused "ipvsadm-command-unused" "{command} describes no table and is passed over";
    IpvsadmAddress "ipvsadm-address" "{word} is no address with a port: numbers, names, or an IPv6 address in brackets";
    IpvsadmNumber "ipvsadm-number" "{word} is no number from {minimum} to {maximum}";
    IpvsadmMask "ipvsadm-mask" "{word} is no netmask (IPv4) or prefix length from 1 to 128 (IPv6)";
    IpvsadmMaskUnused "ipvsadm-mask-unused" "-M has no effect without -p";
    IpvsadmMaskGaps "ipvsadm-mask-gaps" "the mask {mask} has gaps; a prefix length is needed";
    IpvsadmFlag "ipvsadm-flag" "the scheduler {scheduler} has no flag {flag}";
    IpvsadmScheduler "ipvsadm-scheduler" "{scheduler} is no scheduler of IPVS";
    IpvsadmEngine "ipvsadm-engine" "the persistence engine {engine} is not supported and left out";
    IpvsadmTunnel "ipvsadm-tunnel" "{word} is no kind of tunnel: ipip, gue or gre";
    IpvsadmServiceAgain "ipvsadm-service-again" "the service {key} is added again; ipvsadm refuses that, and the first line counts";
    IpvsadmServerAgain "ipvsadm-server-again" "the real server {key} is added again; ipvsadm refuses that, and the first line counts";
    IpvsadmServiceUnknown "ipvsadm-service-unknown" "the service {key} is not added anywhere";
    IpvsadmServiceLater "ipvsadm-service-later" "the service {key} is added only in line {line}; ipvsadm refuses a real server before its service, here it is added to it";
    IpvsadmEditUnknown "ipvsadm-edit-unknown" "{key} was not added before; ipvsadm refuses to edit it, here it is added";
    IpvsadmDeleteUnknown "ipvsadm-delete-unknown" "{key} was not added before, so there is nothing to delete";
    IpvsadmPortForced "ipvsadm-port-forced" "{forwarding} cannot change the port; ipvsadm takes {service_port} instead of {port}";
    IpvsadmPortZero "ipvsadm-port-zero" "port 0 means all ports and needs -p";
    IpvsadmOnePacket "ipvsadm-one-packet" "-o is for UDP services";
    IpvsadmForwarding "ipvsadm-forwarding" "{forwarding} forwarding of {key} cannot be asked for; it is left to the cluster's setting";
    IpvsadmWeight "ipvsadm-weight" "the weight {weight} is above 65535, which is used instead";
    IpvsadmEmpty "ipvsadm-empty" "no service is described";
    IpvsadmListing "ipvsadm-listing" "this is a table as ipvsadm -L shows it to people; what ipvsadm -S -n prints is needed";
    IpvsadmListingBeside "ipvsadm-listing-beside" "a table as ipvsadm -L shows it to people was passed over; the commands beside it were read";
    TypographicDash "typographic-dash" "{character} was read as a hyphen";
    // Shell scripts that call ipvsadm.
    ScriptCommands "script-commands" "commands that are not read: {names}; what they set up must be there by other means";
    ScriptLoop "script-loop" "this command stands in a loop, which is not run; write out what it adds";
    ScriptPart "script-part" "this command stands in a part that is not read: {part}";
    ScriptCondition "script-condition" "this command depends on a condition; it is read as if that were met";
    ScriptVariable "script-variable" "{name} has no plain value in this script; write the value itself";
    ScriptAddress "script-address" "{address} on {device} belongs to no virtual server and is not taken over";
    // Rows of a running kernel that become part of a configuration (`adopt`).
    AdoptRowUnknown "adopt-row-unknown" "{row} cannot be taken: neither the kernel of {director} nor the draft holds it, or it is no part of a configuration";
    AdoptDiffers "adopt-differs" "{director} holds {row} otherwise; what {taken} holds is taken, and activation changes {director}";
    AdoptAddressStays "adopt-address-stays" "{address} is on {device} of {director} already and stays there as the host put it; it moves to the other director only once the host no longer puts it there";
}
