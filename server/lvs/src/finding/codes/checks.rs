//! The codes about checks, before all others: `with_checks` is given those and hands on the whole list.

macro_rules! with_checks {
    ($($others:tt)*) => {
        files::with_files! {
            // How real servers are checked (`model::validate::monitor` and its neighbours).
            MonitorInterval "monitor-interval" "this time between checks is {minimum} to {maximum} ms, not {value}";
            MonitorTimeout "monitor-timeout" "the time for a check is {minimum} to {maximum} ms, not {value}";
            MonitorTries "monitor-tries" "the results in a row are {minimum} to {maximum}, not {value}";
            MonitorPort "monitor-port" "port 0 cannot be asked";
            ChecksMany "checks-many" "a server has at most {maximum} checks, not {count}";
            CheckPath "check-path" "{text} is no path of a web page: it begins with / and has no blank or control character";
            CheckName "check-name" "{text} is no name of a host";
            CheckDigest "check-digest" "{text} is no MD5 digest of 32 hexadecimal digits";
            CheckBytes "check-bytes" "{text} is no row of hexadecimal bytes";
            MonitorReentry "monitor-reentry" "the re-entry time is at most {maximum} seconds, not {value}";
            MonitorSpread "monitor-spread" "the first checks are spread over at most {maximum} ms, not {value}";
            MonitorSourceFamily "monitor-source-family" "{source} is not of the family of {address}, so nothing can be asked from there";
            MonitorMarkServes "monitor-mark-serves" "the firewall mark {mark} is that of {name}: its checks would be balanced themselves";
            MonitorDataPath "monitor-data-path" "{forwarding} does not carry a client's packet to {name} as it is, so it cannot be asked through the data path";
            MonitorDataPathProtocol "monitor-data-path-protocol" "{name} speaks {protocol}; only TCP can be asked through the data path";
            MonitorDataPathVip "monitor-data-path-vip" "{name} has no virtual address that could be asked through the data path";
            MonitorAnyOne "monitor-any-one" "with fewer than two checks there is no other one that could do instead";
            DampingFailures "damping-failures" "a server is kept out after {minimum} to {maximum} failures, not {value}";
            DampingTime "damping-time" "this time is {minimum} to {maximum} seconds, not {value}";
            SlowStartTime "slow-start-time" "a slow start takes {minimum} to {maximum} seconds, not {value}";
            LoadBounds "load-bounds" "the bounds of a weight are {minimum} to {maximum} percent with the lower one first, not {lowest} to {highest}";
            LoadAgentPort "load-agent-port" "the load agent needs a port";
            QuorumWeight "quorum-weight" "a quorum is at least 1";
            QuorumHysteresis "quorum-hysteresis" "the hysteresis {hysteresis} is not below the quorum {quorum}, so it could never be lost";
            QuorumUnreachable "quorum-unreachable" "the real servers weigh {sum} together; {needed} is needed, so the quorum is never reached";
            BackupsOnly "backups-only" "all real servers of {name} are backups, so none of them is ever needed first";
            SorryUnchecked "sorry-unchecked" "the virtual server has no checks, so the sorry server cannot be checked in the same way";
            CheckAddressService "check-address-service" "this check asks {address} whichever real server it is about";
            CheckPattern "check-pattern" "{text} is no regular expression: {error}";
            CheckProgramPath "check-program-path" "{program} leaves its folder with ..; name the program by its path";
            CheckArgument "check-argument" "a program and its arguments are at most {maximum} words without control characters";
            CheckHeader "check-header" "{text} is no header: a name of letters, digits and -, and a value in one line";
            CheckHeaderOwn "check-header-own" "the header {name} has a field of its own: {field}";
            CheckHeadersMany "check-headers-many" "a request has at most {maximum} further headers, not {count}";
            CheckSecret "check-secret" "this secret is empty, too long, or has control characters";
            CheckPem "check-pem" "this is no {kind} in PEM: it begins with -----BEGIN and ends with -----END";
            CheckPemMany "check-pem-many" "a PEM text has at most {maximum} bytes, not {length}";
            CheckVerifyOff "check-verify-off" "the certificate is not verified, so anybody may answer in the server's place, and the authorities have no effect";
            CheckExpiry "check-expiry" "a warning before the end of a certificate is due at most {maximum} days before, not {value}";
            CheckBodyHead "check-body-head" "an answer to {method} has no body that could be compared";
            CheckBodyEmpty "check-body-empty" "the text that the body is searched for is missing";
            CheckUser "check-user" "{text} is no name of a user or database";
            CheckAnswer "check-answer" "{text} is no data of a {record} record";
            CheckProtocol "check-protocol" "{name} serves UDP; this check opens a TCP connection to {port}";
            $($others)*
        }
    };
}

pub(super) use with_checks;
