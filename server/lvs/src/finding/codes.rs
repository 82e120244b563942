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
    NameMissing "name-missing" "a name is needed";
    NameTooLong "name-too-long" "a name has at most 64 characters, this one has {length}";
    NameCharacter "name-character" "{character} cannot be part of a name";
    NameTaken "name-taken" "the name {name} is used twice";

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
    NameDuplicate "name-duplicate" "there is already a {block} named {name}; this one was renamed to {new}";
    NameChanged "name-changed" "the name was changed to {new}";
    NamePlaceholder "name-placeholder" "{name} is the name that the old pages give to a new entry";
    NameLink "name-link" "a link was pasted in place of a name; {name} was taken";
    EntryLeftOut "entry-left-out" "{name} is inactive and has no address; it was kept aside";

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
    LabelShared "label-shared" "{device} is already used for {address}; with the original, one address replaces the other";
    VipLoopback "vip-loopback" "the virtual address is on the loopback interface, where no client reaches it";

    // What the words mean together.
    PrimaryMissing "primary-missing" "the address of the primary director is missing";
    PrimaryIsBackup "primary-is-backup" "primary and backup are the same address, so both directors take themselves for the primary; the backup was left out";
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
