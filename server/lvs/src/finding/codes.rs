//! The list of finding codes with their English sentences. Codes are stable: automation and translations key on them.

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

codes! {
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
    MonitorInterval "monitor-interval" "this time between checks is {minimum} to {maximum} ms, not {value}";
    MonitorTimeout "monitor-timeout" "the time for a check is {minimum} to {maximum} ms, not {value}";
    MonitorTries "monitor-tries" "the results in a row are {minimum} to {maximum}, not {value}";
    MonitorPort "monitor-port" "port 0 cannot be asked";
    ChecksMany "checks-many" "a server has at most {maximum} checks, not {count}";
    CheckPath "check-path" "{text} is no path of a web page: it begins with / and has no blank or control character";
    CheckName "check-name" "{text} is no name of a host";
    CheckDigest "check-digest" "{text} is no MD5 digest of 32 hexadecimal digits";
    CheckBytes "check-bytes" "{text} is no row of hexadecimal bytes";
    DirectorAddressMissing "director-address-missing" "the address of {director} is needed: its partner sends to it";
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
    MonitorReentry "monitor-reentry" "the re-entry time is at most {maximum} seconds, not {value}";
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
    IpvsadmCommandMissing "ipvsadm-command-missing" "the line says neither -A nor -a";
    IpvsadmServiceMissing "ipvsadm-service-missing" "{command} needs a service: -t, -u, --sctp-service or -f";
    IpvsadmServerMissing "ipvsadm-server-missing" "{command} needs a real server: -r";
    IpvsadmOptionUnused "ipvsadm-option-unused" "{option} does not go with {command}";
    IpvsadmCommandUnused "ipvsadm-command-unused" "{command} describes no table and is passed over";
    IpvsadmAddress "ipvsadm-address" "{word} is no numeric address with a port";
    IpvsadmNumber "ipvsadm-number" "{word} is no number from {minimum} to {maximum}";
    IpvsadmMask "ipvsadm-mask" "{word} is no netmask (IPv4) or prefix length from 1 to 128 (IPv6)";
    IpvsadmMaskUnused "ipvsadm-mask-unused" "-M has no effect without -p";
    IpvsadmMaskGaps "ipvsadm-mask-gaps" "the mask {mask} has gaps; a prefix length is needed";
    IpvsadmFlag "ipvsadm-flag" "the scheduler {scheduler} has no flag {flag}";
    IpvsadmScheduler "ipvsadm-scheduler" "{scheduler} is no scheduler of IPVS";
    IpvsadmEngine "ipvsadm-engine" "the persistence engine {engine} is not supported and left out";
    IpvsadmTunnel "ipvsadm-tunnel" "{word} is no kind of tunnel: ipip, gue or gre";
    IpvsadmServiceAgain "ipvsadm-service-again" "the service {key} is added twice";
    IpvsadmServerAgain "ipvsadm-server-again" "the real server {key} is added twice";
    IpvsadmServiceUnknown "ipvsadm-service-unknown" "the service {key} was not added before";
    IpvsadmServerUnknown "ipvsadm-server-unknown" "the real server {key} was not added before";
    IpvsadmPortForced "ipvsadm-port-forced" "{forwarding} cannot change the port; ipvsadm takes {service_port} instead of {port}";
    IpvsadmPortZero "ipvsadm-port-zero" "port 0 means all ports and needs -p";
    IpvsadmOnePacket "ipvsadm-one-packet" "-o is for UDP services";
    IpvsadmForwarding "ipvsadm-forwarding" "{forwarding} forwarding of {key} cannot be asked for; it is left to the cluster's setting";
    IpvsadmWeight "ipvsadm-weight" "the weight {weight} is above 65535, which is used instead";
    IpvsadmEmpty "ipvsadm-empty" "no service is described";

    // ---- File formats: everything below is about a text that was read, or about a file to be written. ----

    // The text as a whole.
    FileEmpty "file-empty" "the file is empty";
    FileTooLarge "file-too-large" "the file is longer than {limit}; the rest was not read";
    FileEncoding "file-encoding" "the text is not UTF-8; it was read as Latin-1";
    FindingsOmitted "findings-omitted" "{count} further findings are not listed";
    ByteOrderMark "byte-order-mark" "a byte order mark was skipped; the original stumbles over it";
    LineEnds "line-ends" "lines end in CR LF; the original does not read such a file to its end";

    // Characters and words.
    OddBlank "odd-blank" "{character} was read as a blank; to the original it is part of a word";
    OddIndent "odd-indent" "{text} before the first word was skipped";
    TypographicQuote "typographic-quote" "{character} was read as a plain quote";
    QuoteOpen "quote-open" "this quote is not closed; it was taken to end with the line";
    QuoteInside "quote-inside" "a quote inside a quoted value ends it; {text} is left over";
    QuoteSingle "quote-single" "the single quotes were dropped; the original would send or expect them too";
    ValueUnquoted "value-unquoted" "several words without quotes were read as one value: {value}";
    EscapeUnknown "escape-unknown" "{escape} is no escape; it was read as a backslash and what follows (the original hangs on it)";
    LostBackslashes "lost-backslashes" "backslashes were lost here; it was read as {value}";
    EqualsGlued "equals-glued" "blanks are missing around =";
    EqualsMissing "equals-missing" "the = after {word} is missing; it was read as if it were there";
    ValueMissing "value-missing" "{word} has no value; the line was ignored";
    ExtraWords "extra-words" "{text} follows the value and was ignored";
    TrailingComment "trailing-comment" "a comment after a value is an error to the original; it was skipped";
    LetterCase "letter-case" "{text} was read as {word}; the original insists on small letters";
    WordUnknown "word-unknown" "{word} is not known here; it was kept aside";
    WordGuiOnly "word-gui-only" "{word} was written by the old pages only, the daemons refuse it; it was kept aside";
    WordMisplaced "word-misplaced" "{word} does not belong into a {block} block; it was kept aside";
    WordRepeated "word-repeated" "{word} is given again in line {line}; the last one counts";
    NotActedOn "not-acted-on" "{word} is kept, but nothing acts on it here";

    // Blocks.
    BraceMissing "brace-missing" "the closing brace of {block} is missing; the block was taken to end here";
    BraceOpen "brace-open" "the opening brace belongs on this line, after the name";
    BraceGlued "brace-glued" "a blank is missing beside the brace";
    BraceStray "brace-stray" "this closing brace closes nothing; it was ignored";
    BraceTrailing "brace-trailing" "{text} follows the closing brace and was ignored";
    BlockContent "block-content" "{text} must be on lines of its own, after the opening brace";
    BlockUnknown "block-unknown" "blocks of kind {word} are not known here; it was kept aside";
    ServerOutside "server-outside" "this server block is not inside a virtual block";
    FailoverKept "failover-kept" "the failover service {name} is kept, but not managed";
    ServiceFos "service-fos" "service = fos: the original ran only the failover services of this file, none of the virtual servers";

    // Names of entries.
    NameAssumed "name-assumed" "the name is missing; {name} was taken";
    NameDuplicate "name-duplicate" "there is already a {block} block named {name}; this one was renamed to {new}";
    NameChanged "name-changed" "the name was changed to {new}";
    NamePlaceholder "name-placeholder" "{name} is the name that the old pages give to a new entry";
    NameLink "name-link" "a link was pasted in place of a name; {name} was taken";

    // Values.
    NumberBad "number-bad" "{text} is no number";
    NumberOctal "number-octal" "the leading zero makes {text} octal; it was read as {value}, as the original does";
    NumberRange "number-range" "{word} must be {least} to {most}, not {value}";
    BooleanWord "boolean-word" "{text} was read as {value}; the original knows only 0 and 1";
    BooleanBad "boolean-bad" "{word} must be 0 or 1, not {text}";
    KeywordUnknown "keyword-unknown" "{word} must be one of {choices}, not {text}";
    KeywordNewer "keyword-newer" "the original did not know {word} = {text}; it was accepted";
    PortBad "port-bad" "{text} is neither a port number nor a service name known here";
    PortName "port-name" "the original allows only a number for a real server's port; {text} was read as {value}";
    PortAfterServer "port-after-server" "{server} comes before the line port = {port}, so it keeps port {value}";
    PortNoEffect "port-no-effect" "port {value} of {server} has no effect without address translation; it was left out";
    AddressBad "address-bad" "{text} is no IPv4 address";
    AddressForm "address-form" "{text} was read as {value}";
    AddressNewer "address-newer" "the original knows no IPv6; {text} was accepted";
    AddressMissing "address-missing" "{name} is active and has no address";
    HostName "host-name" "{text} is a host name, which is not looked up; write its address";
    MaskBad "mask-bad" "{text} is no network mask";
    MaskForm "mask-form" "{text} was read as the mask {value}";
    MaskGaps "mask-gaps" "the mask {mask} has gaps; {value} was taken";
    MaskIgnored "mask-ignored" "{text} is no network mask; it was ignored, as the original does";
    MaskUnused "mask-unused" "{word} is given without an address that it could belong to; it was kept aside";
    DeviceMissing "device-missing" "the device is missing; the address is not put on any interface until one is named";
    DeviceNeeded "device-needed" "the device of the NAT router address is missing";
    DeviceBad "device-bad" "{text} is no device: {reason}";
    DeviceOther "device-other" "{address} is already put on {device}; the original uses only that device";
    LabelShared "label-shared" "{device} is already used for {address}, and with the original one replaces the other; here this address is put on the interface without the label";

    // What the words mean together.
    PrimaryIsBackup "primary-is-backup" "primary and backup are the same address, so both directors take themselves for the primary; the backup was left out";
    DeadtimeAssumed "deadtime-assumed" "without a deadtime the original waits {default} seconds, less than one interval; {assumed} seconds were taken";
    BackupMissing "backup-missing" "backup_active is on, but there is no backup; redundancy was switched off";
    PrivateIgnored "private-ignored" "backup_private does not count without primary_private; it was kept aside";
    PrivateMissing "private-missing" "the backup director has no private address, so the second heartbeat path leads nowhere";
    SyncIdReduced "sync-id-reduced" "only the lowest 8 bits of the sync id count; {text} was read as {value}";
    WeightAsOne "weight-as-one" "a weight of {value} acts as 1; it was read as 1";
    TimeoutZero "timeout-zero" "a service timeout of {value} cannot work; {assumed} seconds were taken";
    ReentryDefault "reentry-default" "a re-entry time of {value} means {assumed} seconds";
    LoadMonitorKept "load-monitor-kept" "load_monitor = {text} only ever raises weights above 1; the configured weights are used";
    CheckDefaultHttp "check-default-http" "port 80 without send and expect is checked with GET / and expected to answer HTTP; this is now written out";
    CheckUdp "check-udp" "a UDP service without send and expect cannot be checked by the original; only reachability can be";
    SendUnused "send-unused" "send is not used, because send_program is given";
    RegexUnused "regex-unused" "use_regex does not count with send_program; the output must be equal";
    ProgramExpect "program-expect" "send_program without expect never counts as up";
    ProgramWord "program-word" "{text}: only whole words %h and %p are replaced";

    // Writing an lvs.cf for the original daemons.
    ExportFamily "export-family" "an lvs.cf knows only IPv4, not {address}";
    ExportForwarding "export-forwarding" "an lvs.cf has one forwarding method for all real servers; {name} has its own";
    ExportTunnel "export-tunnel" "an lvs.cf knows only plain IP-in-IP tunnels";
    ExportProtocol "export-protocol" "an lvs.cf knows only tcp and udp, not {protocol}";
    ExportScheduler "export-scheduler" "an lvs.cf does not know the scheduler {scheduler}";
    ExportSchedulerFlags "export-scheduler-flags" "an lvs.cf knows no scheduler flags";
    ExportOnePacket "export-one-packet" "an lvs.cf knows no one-packet scheduling";
    ExportLimit "export-limit" "an lvs.cf knows no connection limits";
    ExportSorryPort "export-sorry-port" "in an lvs.cf the sorry server has the port of its virtual server";
    ExportDevice "export-device" "an lvs.cf needs a device with every virtual address";
    ExportSeconds "export-seconds" "an lvs.cf has whole seconds, not {value} ms";
    ExportWeight "export-weight" "to the original daemons a weight of 0 is the same as 1";
    ExportReentry "export-reentry" "to the original daemons a re-entry time of 0 means 180 seconds";
    ExportName "export-name" "a name in an lvs.cf has no blank, quote or brace: {name}";
    ExportValue "export-value" "{value} cannot be written in an lvs.cf, which has no way to quote it";
    ExportLine "export-line" "the line would have {length} bytes; the old pages cut it after {limit}";
    ExportConnectCheck "export-connect-check" "on port 80 the original daemons cannot check the connection only; they would send GET /";
    ExportPrivate "export-private" "an lvs.cf needs the private addresses of both directors or of none";
    ExportDirector "export-director" "an lvs.cf needs one primary director and at most one backup";
    ExportSyncInterface "export-sync-interface" "an lvs.cf needs the interface of the connection sync by name";
    // ---- end of file formats ----
}
