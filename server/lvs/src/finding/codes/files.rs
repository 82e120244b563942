//! The codes about texts in general and about lvs.cf, and about what lvs.cf and ipvsadm cannot say.

macro_rules! with_files {
    ($($others:tt)*) => {
        keepalived::with_keepalived! {
            $($others)*
            // The text as a whole.
            FileEmpty "file-empty" "the file is empty";
            FileUnknown "file-unknown" "no configuration was recognised: no line of this text is known; expected was one of: {kinds}";
            FileOtherKind "file-other-kind" "nothing in this text is known in a file of kind {kind}; it looks like {found}";
            FilesTogether "files-together" "files of kind {kind} are read one at a time; only files of keepalived are nodes of one cluster";
            FileTooLarge "file-too-large" "the file is longer than {limit}; the rest was not read";
            FileLayout "file-layout" "the file is longer than {limit}; its comments and its layout are not kept";
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
            QuoteSingleKept "quote-single-kept" "the single quotes are part of what is sent or expected";
            ValueUnquoted "value-unquoted" "several words without quotes were read as one value: {value}";
            EscapeUnknown "escape-unknown" "{escape} is no escape; it was read as a backslash and what follows (the original hangs on it)";
            LostBackslashes "lost-backslashes" "backslashes were lost here; it was read as {value}";
            LostBackslashesKept "lost-backslashes-kept" "backslashes seem to be lost here; it is sent as it stands";
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
            GuiPhantom "gui-phantom" "this empty block is left over from the old pages, which doubled {name} at a blank line; it was passed over";
            GuiAddress "gui-address" "{address} is the address of the real server {name}: the old pages wrote it over the virtual address at a blank line";
            GuiCut "gui-cut" "the old pages cut this line after {limit} bytes and joined the next one to it; it was read as two lines";
            NameLink "name-link" "a link was pasted in place of a name; {name} was taken";
            // Values.
            NumberBad "number-bad" "{text} is no number";
            NumberLarge "number-large" "{text} has more digits than any number here";
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
            HostResolved "host-resolved" "{text} was looked up and read as {value}";
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
            LoadMonitorKept "load-monitor-kept" "load_monitor = {text} only ever raises weights, to their tenfold at most; as in the original it has no effect on a weight of 1";
            CheckDefaultHttp "check-default-http" "port 80 without send and expect is checked with GET / and expected to answer HTTP; this is now written out";
            CheckUdp "check-udp" "a UDP service without send and expect cannot be checked by the original; only reachability can be";
            SendUnused "send-unused" "send is not used, because send_program is given";
            RegexUnused "regex-unused" "use_regex does not count with send_program; the output must be equal";
            ProgramExpect "program-expect" "send_program without expect never counts as up";
            ProgramWord "program-word" "{text}: only whole words %h and %p are replaced";
            // What the original daemons say of an lvs.cf (`--strict`).
            OriginalEmpty "original-empty" "the original refuses an empty file (error 1)";
            OriginalQuote "original-quote" "the original stops here: a quote is not closed (error 3)";
            OriginalQuoteLater "original-quote-later" "the original stops here: a quote is not closed, which it takes for a missing argument in this place (error 7)";
            OriginalExtra "original-extra" "the original stops here: {text} is one argument too many (error 5)";
            OriginalEquals "original-equals" "the original stops here: the = is missing (error 6)";
            OriginalMissing "original-missing" "the original stops here: an argument of {word} is missing (error 7)";
            OriginalAddress "original-address" "the original stops here: {text} is no address that it takes in this place (error 8)";
            OriginalArgument "original-argument" "the original stops here: it does not know {text} as a value of {word} (error 9)";
            OriginalHost "original-host" "the original stops here if it cannot look up {text} (error 9)";
            OriginalInteger "original-integer" "the original stops here: {text} is no integer (error 10)";
            OriginalBoolean "original-boolean" "the original stops here: {text} is neither 0 nor 1 (error 11)";
            OriginalWord "original-word" "the original stops here: it does not know {word} in this place (error 12)";
            OriginalList "original-list" "the original stops here: a list in brackets is missing (error 13)";
            OriginalMask "original-mask" "the original stops here: {text} is no mask (error 16)";
            OriginalUnread "original-unread" "the original reads nothing from here on, because of the CR LF before";
            OriginalIdle "original-idle" "the original does not start with this file: no {block} block is active";
            // Writing any kind of file but our own.
            ExportTooLong "export-too-long" "{file} would be longer than what Caribe reads of such a file, so it could not be taken back; take the cluster out as another kind";
            ExportHost "export-host" "what is set up on the directors' hosts has no place in such a file; it is left out, and has to be done by other means";
            ExportFourEyes "export-four-eyes" "that nobody activates a draft of their own is a rule of Caribe's console; it has no place in such a file and is left out";
            ExportMarked "export-marked" "which packets get the mark {mark} of {name} has no place in such a file; it is left out, and something else has to mark them";
            // Writing a table for ipvsadm.
            ExportTableDirectors "export-table-directors" "a table of ipvsadm says nothing of directors and how they watch each other; that is left out";
            ExportTableAddress "export-table-address" "a table of ipvsadm puts no address on an interface; the device is left out";
            ExportTableTimeouts "export-table-timeouts" "session timeouts are set with ipvsadm --set, not with a table; they are left out";
            ExportTableInactive "export-table-inactive" "what is not active is not in a table of ipvsadm; it is left out";
            ExportTableChecks "export-table-checks" "ipvsadm checks no server; the checks are left out";
            ExportTableKept "export-table-kept" "words of the imported file that nothing acts on have no place in a table of ipvsadm; they are left out";
            ExportTableSorry "export-table-sorry" "a table of ipvsadm holds a sorry server only while it answers; it is left out";
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
            ExportName "export-name" "a name in an lvs.cf has no quote or brace: {name}";
            ExportAsItWas "export-as-it-was" "nothing was changed, so the text is as it came in, and the original daemons refuse it in line {line}: {reason}; caribe convert --strict writes what they read";
            ExportNameBlank "export-name-blank" "the old daemons read the name {name} in quotes; the old pages cut it at its first blank";
            ExportValue "export-value" "{value} cannot be written in an lvs.cf, which has no way to quote it";
            ExportLine "export-line" "the line has {length} bytes; the old daemons read it, the old pages cut it after {limit}";
            ExportConnectCheck "export-connect-check" "on port 80 the original daemons cannot check the connection only; they would send GET /";
            ExportPrivate "export-private" "an lvs.cf needs the private addresses of both directors or of none";
            ExportDirector "export-director" "an lvs.cf needs one primary director and at most one backup";
            ExportDirectorAddress "export-director-address" "an lvs.cf needs the public address of {name}";
            ExportVrrp "export-vrrp" "the original daemons do not speak VRRP, only their own heartbeat";
            ExportPreempt "export-preempt" "the original daemons never take the addresses back by themselves";
            ExportAddress "export-address" "an lvs.cf has no addresses besides those of virtual servers and the NAT router: {address}";
            ExportChecks "export-checks" "an lvs.cf has exactly one check for all servers of a service, not {count}";
            ExportCheck "export-check" "an lvs.cf knows no check of kind {kind}, only connect, send-expect and program";
            ExportCheckOwn "export-check-own" "an lvs.cf has one check for all servers of a service; {name} has its own";
            ExportCheckPort "export-check-port" "an lvs.cf checks the port that is served, no other";
            ExportTries "export-tries" "the original daemons act on the first result, not on {value} in a row";
            ExportStartUp "export-start-up" "the original daemons count a server as down until its first answer";
            ExportPeriod "export-period" "an lvs.cf has one time for the period of checks and for each of them; here they are {interval} and {timeout} ms";
            ExportNames "export-names" "an lvs.cf has no names for the cluster and its directors; they are left out";
            ExportDrift "export-drift" "what happens to drift is not part of an lvs.cf; it is left out";
            ExportIsolation "export-isolation" "only Caribe asks a gateway or a console before it takes over; this is left out";
            ExportTimersUnused "export-timers-unused" "an lvs.cf has whole seconds; the timers have no effect without redundancy and are left out";
            ExportDeviceBare "export-device-bare" "with {device} the original replaces the interface's own address, and takes the interface down when it goes standby; name an alias such as {device}:1";
            EditImpossible "edit-impossible" "this change cannot be made in the text as it stands; write the file anew";
            ExportSyncInterface "export-sync-interface" "an lvs.cf needs the interface of the connection sync by name";
            ExportCheckWay "export-check-way" "the original daemons ask from wherever the routes lead, and the real server itself";
            ExportCheckDiffers "export-check-differs" "an lvs.cf has no check with a port, an address or times of its own";
            ExportCheckContains "export-check-contains" "the original daemons compare how an answer begins or search it for a regular expression; they compare what a program prints as it is";
            ExportDamping "export-damping" "the original daemons keep no server out that comes and goes";
            ExportLoadAgent "export-load-agent" "an lvs.cf knows programs as load monitors, no agents";
            ExportLoadBounds "export-load-bounds" "the original daemons run a load monitor every 20 seconds and raise weights to their tenfold at most; other bounds are unknown to them";
            ExportQuorum "export-quorum" "an lvs.cf knows no quorum: any real server is enough";
            ExportBackup "export-backup" "an lvs.cf knows no backup real servers; {name} is one";
            ExportQuiesceOwn "export-quiesce-own" "an lvs.cf quiesces all servers of a service or none; {name} has its own setting";
            ExportSlowStart "export-slow-start" "the original daemons raise a returning server's weight from a 32nd and double it every 20 seconds, whatever is said here";
            ExportSorryCheck "export-sorry-check" "the original daemons never check the sorry server";
            ExportSpread "export-spread" "the original daemons begin all their checks at once";
        }
    };
}

pub(super) use with_files;
