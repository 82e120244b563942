//! What a page does, as calls of the API: shown under it, so that whoever did something once by hand can automate it.
//!
//! Pure: the page's path alone says which. A test asks that every call is a route of the API.

/// A call: method, and path with what the page's path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
}

/// The calls of a page; none where a person is needed (passwords, sessions) or the API has nothing alike.
pub(crate) fn calls(page: &str) -> Vec<Call> {
    let parts: Vec<&str> = page.trim_matches('/').split('/').filter(|part| !part.is_empty()).collect();
    let (methods, below): (&[&'static str], String) = match parts.as_slice() {
        [] | ["clusters", "new"] => (&["GET", "POST"], "clusters".to_owned()),
        ["import"] => (&["POST"], "imports".to_owned()),
        ["search"] => (&["GET"], "search?q=".to_owned()),
        ["admin", "accounts"] => (&["GET", "POST"], "accounts".to_owned()),
        ["admin", "accounts", name, ..] => (&["GET", "PATCH", "DELETE"], format!("accounts/{name}")),
        ["admin", "tokens", ..] => (&["GET", "POST"], "tokens".to_owned()),
        ["alerts", ..] => {
            let one = |method, below: &str| made(&[method], &format!("alerts{below}"));
            return [one("GET", ""), one("GET", "/messages"), one("POST", "/silences")].concat();
        }
        ["admin", "alerts"] => {
            return [made(&["GET"], "alerts/channels"), made(&["GET"], "alerts/rules")].concat();
        }
        ["admin", "alerts", "channels", "new", _] => (&["POST"], "alerts/channels".to_owned()),
        ["admin", "alerts", "channels", id, ..] => {
            let at = format!("alerts/channels/{id}");
            return [made(&["GET", "PUT", "DELETE"], &at), made(&["POST"], &format!("{at}/test"))].concat();
        }
        ["admin", "alerts", "rules", "new"] => (&["POST"], "alerts/rules".to_owned()),
        ["admin", "alerts", "rules", id, ..] => (&["GET", "PUT", "DELETE"], format!("alerts/rules/{id}")),
        ["admin", "audit"] => (&["GET"], "audit".to_owned()),
        ["admin", "settings", "single-sign-on", ..] => {
            let at = "system/single-sign-on";
            return [made(&["GET", "PUT"], at), made(&["POST"], &format!("{at}/test"))].concat();
        }
        ["admin", "settings"] => (&["GET", "PATCH"], "system/settings".to_owned()),
        ["clusters", cluster, rest @ ..] => return of_cluster(cluster, rest),
        _ => return Vec::new(),
    };
    made(methods, &below)
}

fn made(methods: &[&'static str], below: &str) -> Vec<Call> {
    methods.iter().map(|method| Call { method, path: format!("/api/v1/{below}") }).collect()
}

fn of_cluster(cluster: &str, rest: &[&str]) -> Vec<Call> {
    let at = |below: &str| format!("clusters/{cluster}{below}");
    let one = |methods: &[&'static str], below: &str| made(methods, &at(below));
    match rest {
        [] | ["wall"] | ["topology"] => one(&["GET"], "/status"),
        ["delete"] => one(&["DELETE"], ""),
        ["global" | "redundancy", ..] => one(&["GET", "PUT"], ""),
        ["traffic"] => one(&["GET"], "/series?range=1h"),
        ["events"] => one(&["GET"], "/events"),
        ["exports"] => one(&["GET"], "/exports"),
        ["machines"] => [one(&["GET"], "/orders"), one(&["POST"], "/machines/{address}/orders")].concat(),
        ["virtual-servers"] | ["virtual-servers", "new"] => one(&["GET", "POST"], "/virtual-servers"),
        ["virtual-servers", id, "traffic"] => one(&["GET"], &format!("/series?service={id}&range=1h")),
        ["virtual-servers", id] | ["virtual-servers", id, "scripts" | "delete"] => {
            one(&["GET", "PUT", "PATCH", "DELETE"], &format!("/virtual-servers/{id}"))
        }
        ["virtual-servers", id, "real-servers"] | ["virtual-servers", id, "real-servers", "new"] => {
            one(&["GET", "POST"], &format!("/virtual-servers/{id}/real-servers"))
        }
        ["virtual-servers", id, "real-servers", real, "state", ..] => {
            let base = format!("/virtual-servers/{id}/real-servers/{real}");
            [
                one(&["GET"], &format!("{base}/health")),
                one(&["POST"], &format!("{base}/check-now")),
                one(&["POST"], &format!("{base}/orders")),
            ]
            .concat()
        }
        ["virtual-servers", id, "real-servers", real, ..] => {
            one(&["GET", "PUT", "PATCH", "DELETE"], &format!("/virtual-servers/{id}/real-servers/{real}"))
        }
        ["directors"] | ["directors", "new"] => one(&["GET", "POST"], "/directors"),
        ["directors", name, "adopt"] => [
            one(&["GET"], &format!("/directors/{name}/foreign")),
            one(&["POST"], &format!("/directors/{name}/adopt")),
        ]
        .concat(),
        ["directors", name, "drift", ..] => one(&["POST"], &format!("/directors/{name}/repair")),
        ["directors", name, "revoke"] => one(&["POST"], &format!("/directors/{name}/revoke")),
        ["directors", name, ..] => [
            one(&["GET", "PUT", "PATCH", "DELETE"], &format!("/directors/{name}")),
            one(&["POST"], &format!("/directors/{name}/orders")),
            one(&["POST"], &format!("/directors/{name}/push")),
        ]
        .concat(),
        ["changes", "account" | "token", ..] => {
            let owner = rest.get(1..3).unwrap_or_default().join("/");
            [one(&["GET"], &format!("/drafts/{owner}")), one(&["POST"], &format!("/drafts/{owner}/activate"))]
                .concat()
        }
        ["changes", ..] => [
            one(&["GET", "DELETE"], "/draft"),
            one(&["POST"], "/draft/activate"),
            one(&["POST"], "/draft/request"),
        ]
        .concat(),
        ["revisions"] | ["revisions", "compare"] => one(&["GET"], "/revisions"),
        ["revisions", number, ..] => [
            one(&["GET"], &format!("/revisions/{number}")),
            one(&["GET"], &format!("/revisions/{number}/comparison")),
            one(&["POST"], &format!("/revisions/{number}/restore")),
        ]
        .concat(),
        _ => Vec::new(),
    }
}

/// The first call of a page as a command.
pub(crate) fn command(host: Option<&str>, call: &Call) -> String {
    let method = if call.method == "GET" { String::new() } else { format!(" -X {}", call.method) };
    let host = host.unwrap_or("CONSOLE:3636");
    format!("curl{method} -H \"Authorization: Bearer $TOKEN\" 'https://{host}{}'", call.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_its_calls_and_a_command_to_copy() {
        let of = |page: &str| -> Vec<String> {
            calls(page).iter().map(|call| format!("{} {}", call.method, call.path)).collect()
        };
        assert_eq!(of("/"), ["GET /api/v1/clusters", "POST /api/v1/clusters"]);
        assert_eq!(of("/clusters/web/events"), ["GET /api/v1/clusters/web/events"]);
        assert_eq!(
            of("/clusters/web/virtual-servers/vs_1/real-servers/rs_1/state"),
            [
                "GET /api/v1/clusters/web/virtual-servers/vs_1/real-servers/rs_1/health",
                "POST /api/v1/clusters/web/virtual-servers/vs_1/real-servers/rs_1/check-now",
                "POST /api/v1/clusters/web/virtual-servers/vs_1/real-servers/rs_1/orders",
            ]
        );
        assert!(of("/me").is_empty() && of("/login").is_empty() && of("/clusters/web/nowhere").is_empty());
        let call = Call { method: "POST", path: "/api/v1/imports".to_owned() };
        assert_eq!(
            command(Some("console.example:3636"), &call),
            "curl -X POST -H \"Authorization: Bearer $TOKEN\" 'https://console.example:3636/api/v1/imports'"
        );
    }
}
