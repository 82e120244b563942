//! What is wrong, in words and with the page that helps. Decides nothing; `console` says what is a problem.

use console::{LiveCluster, Problem, ProblemKind, ProblemOf, problems};
use jiff::Timestamp;
use lvs::Cluster;

use crate::locale::Locale;
use crate::verdicts;

/// Lines of a list, at most; how many more there are is said.
const MOST: usize = 12;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProblemLine {
    pub(crate) tone: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) text: String,
    pub(crate) href: String,
}

/// What is wrong in a cluster, the worst first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProblemList {
    pub(crate) lines: Vec<ProblemLine>,
    /// How many more there are.
    pub(crate) more: usize,
}

/// A problem as a sentence.
pub(crate) fn sentence(locale: Locale, problem: &Problem) -> String {
    let silent = problem.kind == ProblemKind::Checks && problem.count.is_none();
    let key = if silent { "checks-silent" } else { problem.kind.as_str() };
    let message = locale.say(format!("problem-{key}")).with("count", problem.count.unwrap_or_default());
    let at = problem.at_s.map(|at| locale.moment_of(at)).unwrap_or_default();
    let why = match (&problem.reason, problem.trouble) {
        (Some(reason), _) => verdicts::why(locale, reason),
        (None, Some(trouble)) => verdicts::trouble(locale, trouble),
        (None, None) => String::new(),
    };
    let message = match &problem.of {
        ProblemOf::Cluster => message,
        ProblemOf::Director(name) => message.with("name", name),
        ProblemOf::Service(_, name) => message.with("name", name),
        ProblemOf::Server { service, name, .. } => message.with("name", name).with("service", service),
    };
    message.with("at", at).with("why", why).to_string().trim_end().to_owned()
}

/// Path of the page that helps, below the cluster's.
pub(crate) fn place(problem: &Problem) -> String {
    match (&problem.of, problem.kind) {
        (ProblemOf::Cluster, _) => "/directors".to_owned(),
        (ProblemOf::Director(name), ProblemKind::Drift) => format!("/directors/{name}/drift"),
        (ProblemOf::Director(name), _) => format!("/directors/{name}"),
        (ProblemOf::Service(id, _), _) => format!("/virtual-servers/{id}/real-servers"),
        (ProblemOf::Server { service_id, id, .. }, _) => {
            format!("/virtual-servers/{service_id}/real-servers/{id}/state")
        }
    }
}

impl ProblemList {
    pub(crate) fn of(locale: Locale, base: &str, content: Option<&Cluster>, live: &LiveCluster) -> Self {
        let nothing = Cluster::default();
        let all = problems(content.unwrap_or(&nothing), live, Timestamp::now().as_second());
        let line = |problem: &Problem| {
            let bad = problem.kind.is_critical() || problem.kind == ProblemKind::ServerDown;
            ProblemLine {
                tone: if bad { "bad" } else { "warn" },
                icon: if bad { "bad" } else { "warn" },
                text: sentence(locale, problem),
                href: format!("{base}{}", place(problem)),
            }
        };
        ProblemList { more: all.len().saturating_sub(MOST), lines: all.iter().take(MOST).map(line).collect() }
    }
}
