//! Where a case runs: a kernel, and what the case may ask for besides the kernel's own interface.

use std::collections::BTreeSet;

use kernel::{Announce, Error, Kernel, Kind, LinuxAnnouncer, LinuxKernel, MemoryKernel};
use lvs::format::ipvsadm;
use lvs::plan::Step;
use lvs::table::{Link, Observed, Table};

use crate::namespace::{self, run};

/// The hardware address of every interface made by [`Bench::link`].
pub(crate) const MAC: [u8; 6] = [0x02, 0, 0x5e, 0, 0, 0x51];

/// What a case needs of Linux.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Ipvs,
    Network,
}

/// A kernel under test.
pub(crate) struct Bench {
    pub(crate) kernel: Box<dyn Kernel>,
    pub(crate) announcer: Box<dyn Announce>,
    /// The memory kernel, where it is that one.
    pub(crate) memory: Option<MemoryKernel>,
    ipvsadm: bool,
}

pub(crate) fn on_memory(case: fn(&mut Bench)) {
    let memory = MemoryKernel::new();
    case(&mut Bench {
        kernel: Box::new(memory.clone()),
        announcer: Box::new(memory.clone()),
        memory: Some(memory),
        ipvsadm: false,
    });
}

pub(crate) fn on_linux(needs: Needs, case: fn(&mut Bench)) {
    if !linux_runs(needs) {
        return;
    }
    namespace::inside(move || {
        let kernel = match needs {
            Needs::Ipvs => LinuxKernel::open(),
            Needs::Network => LinuxKernel::without_ipvs(),
        };
        case(&mut Bench {
            kernel: Box::new(kernel.expect("the kernel opens")),
            announcer: Box::new(LinuxAnnouncer::open().expect("the announcer opens")),
            memory: None,
            ipvsadm: needs == Needs::Ipvs,
        });
    });
}

/// Whether a Linux case runs here. Says so aloud where it does not.
pub(crate) fn linux_runs(needs: Needs) -> bool {
    let setting = std::env::var("CARIBE_KERNEL").unwrap_or_default();
    let runs = match setting.as_str() {
        "linux" => true,
        "linux-net" => needs == Needs::Network,
        "" => false,
        other => panic!("CARIBE_KERNEL={other}: expected linux or linux-net"),
    };
    if !runs {
        eprintln!("SKIPPED: not run on Linux, because CARIBE_KERNEL={setting:?} excludes it");
    }
    runs
}

impl Bench {
    /// Carries out steps; each result as text, `ok` or the error.
    pub(crate) fn apply(&mut self, steps: &[Step]) -> Vec<String> {
        let results = self.kernel.apply(steps);
        assert_eq!(results.len(), steps.len(), "one result per step");
        results
            .into_iter()
            .map(|result| result.map_or_else(|error| error.to_string(), |()| "ok".to_owned()))
            .collect()
    }

    /// Carries out steps that must all succeed.
    pub(crate) fn succeed(&mut self, steps: &[Step]) {
        for (step, result) in steps.iter().zip(self.kernel.apply(steps)) {
            assert_eq!(result, Ok(()), "{step:?}");
        }
    }

    /// Carries out a step that must fail in this way, with these words.
    pub(crate) fn refuse(&mut self, step: Step, kind: Kind, words: &str) {
        let error: Error =
            self.kernel.apply(std::slice::from_ref(&step)).remove(0).expect_err(&format!("{step:?}"));
        assert_eq!((error.kind, error.to_string().as_str()), (kind, words));
    }

    pub(crate) fn observe(&mut self, parameters: &[&str]) -> Observed {
        let names: BTreeSet<String> = parameters.iter().map(|name| (*name).to_owned()).collect();
        self.kernel.observe(&names).expect("the kernel can be observed")
    }

    /// The table must be this, in ipvsadm's words; on Linux ipvsadm itself must see the same.
    pub(crate) fn holds(&mut self, expected: &str) {
        let expected = trimmed(expected);
        let table = self.observe(&[]).table;
        assert_eq!(ipvsadm::save(&table), expected);
        if self.ipvsadm {
            let seen = run(&["ipvsadm", "-S", "-n"]);
            assert_eq!(normal(&seen), normal(&expected), "ipvsadm prints:\n{seen}");
        }
    }

    /// Makes an interface that is up and has carrier; on Linux `far0` is at its other end.
    pub(crate) fn link(&mut self, name: &str) {
        match &self.memory {
            Some(memory) => {
                memory.set_link(name, Link { index: 9, up: true, carrier: true, mac: MAC.to_vec() });
            }
            None => {
                namespace::cable(name);
            }
        }
    }
}

/// The text without the indentation it has in the source.
fn trimmed(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

/// A saved table in one order, with the words one writer prints and the other leaves out made equal: `ipvsadm -S` omits
/// thresholds, and prints marks above 2³¹ as negative numbers.
fn normal(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(normal_line).collect();
    lines.sort();
    lines
}

fn normal_line(line: &str) -> String {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    for option in ["-x", "-y"] {
        if let Some(place) = words.iter().position(|word| *word == option) {
            words.drain(place..place + 2);
        }
    }
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    if let Some(place) = words.iter().position(|word| word == "-f")
        && let Ok(signed) = words[place + 1].parse::<i32>()
    {
        words[place + 1] = (signed as u32).to_string();
    }
    words.join(" ")
}

/// The rows of a text in ipvsadm's words.
pub(crate) fn table(text: &str) -> Table {
    let (table, findings) = ipvsadm::read(&trimmed(text));
    table.unwrap_or_else(|| panic!("{findings:?}"))
}

/// The steps that add these rows.
pub(crate) fn add(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for (key, service) in table(text).services {
        steps.push(Step::AddService { key, row: service.row });
        for (server, row) in service.servers {
            steps.push(Step::AddServer { service: key, key: server, row });
        }
    }
    steps
}

/// The steps that change these rows, real servers included.
pub(crate) fn set(text: &str) -> Vec<Step> {
    let change = |step| match step {
        Step::AddService { key, row } => Step::SetService { key, row },
        Step::AddServer { service, key, row } => Step::SetServer { service, key, row },
        other => other,
    };
    add(text).into_iter().map(change).collect()
}
