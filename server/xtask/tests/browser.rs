//! The newcomer's whole way in a real browser, on a real kernel: setup code, first account, import of lvs.cf, two
//! directors that join, preview, activation, counts that move; then a change with scripts switched off.
//!
//! One test, because it is one way. Every wait has a deadline, and the whole has one. Pictures of every page are left
//! in `target/screenshots` to be looked at. Run by `cargo xtask test --only browser`.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use testkit::browser::{Browser, Page, quoted};
use testkit::control::DIRECTORS;
use xtask::demo::{Demo, Options};
use xtask::lab::Place;
use xtask::{programs, system};

/// How long all of it may take; it takes two minutes on a small machine.
const LIMIT: Duration = Duration::from_secs(480);
/// Loads of the live page, each of which must open its stream.
const LOADS: usize = 40;
/// The file that a newcomer brings.
const FILE: &str = include_str!("../../testkit/fixtures/scenario-a.cf");
const USER: &str = "xiaoming";
/// The box of the first text of an import.
const TEXT: &str = "[name='files.0.text']";
/// One node of a keepalived pair.
const NODE: &str = "vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority PRIORITY
    virtual_ipaddress {
        192.0.2.100/24 dev eth0
    }
}
virtual_server 192.0.2.100 80 {
    delay_loop 6
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 10.0.0.1 80 {
        TCP_CHECK {
            connect_timeout 3
        }
    }
}
";
/// A line of the routing table on the live page.
const SERVICE: &str = "#live-services tr.service";

#[test]
fn a_newcomer_gets_from_a_piranha_file_to_moving_counts() {
    let options = Options { account: false, imported: false, place: Place::fitting() };
    let mut demo = Demo::start(options).expect("the demo starts");
    let code = demo.setup_code().expect("a setup code");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let walked = runtime.block_on(async { tokio::time::timeout(LIMIT, walk(&demo, &code)).await });
    let well = demo.is_well();
    demo.stop().expect("the console ends in order");
    if let Err(error) = walked.expect("the whole way within the limit") {
        panic!("{error:#}");
    }
    well.expect("console and cluster run to the end");
}

async fn walk(demo: &Demo, code: &str) -> Result<()> {
    let browser = Browser::launch(&system::program("chromium")?, !system::is_root()).await?;
    let walk = Walk { demo, page: browser.page().await?, pictures: programs::target().join("screenshots") };
    let done = async {
        walk.first_account(code).await.context("the first account")?;
        let cluster = walk.import().await.context("import")?;
        walk.directors(&cluster).await.context("directors")?;
        walk.first_activation(&cluster).await.context("the first activation")?;
        walk.moving_counts(&cluster).await.context("moving counts")?;
        walk.every_stream_opens(&cluster).await.context("the stream of every load")?;
        walk.a_wrong_form(&cluster).await.context("a form filled in wrongly")?;
        walk.every_page(&cluster).await.context("every page")?;
        walk.without_scripts(&cluster).await.context("without scripts")
    };
    // Complaints often are the reason for what failed, so they are told in both cases.
    let done = done.await;
    let complaints = walk.page.complaints();
    let done = match done {
        Err(error) if !complaints.is_empty() => Err(error.context(complaints.join("\n"))),
        Ok(()) if !complaints.is_empty() => bail!("the browser complains:\n{}", complaints.join("\n")),
        done => done,
    };
    browser.close().await?;
    done
}

/// A person's way through the pages.
struct Walk<'a> {
    demo: &'a Demo,
    page: Page,
    pictures: PathBuf,
}

impl Walk<'_> {
    async fn open(&self, path: &str) -> Result<()> {
        self.page.open(&format!("{}{path}", self.demo.url)).await
    }

    async fn picture(&self, name: &str) -> Result<()> {
        self.page.pictures(&self.pictures, name).await
    }

    /// Clicks a tab of the cluster.
    async fn tab(&self, path: &str) -> Result<()> {
        self.page.click(&format!("nav.tabs a[href='{path}']")).await?;
        self.page.shows(&format!("nav.tabs a[href='{path}'][aria-current=page]")).await
    }

    async fn first_account(&self, code: &str) -> Result<()> {
        let page = &self.page;
        self.open("/").await?;
        page.at("/setup").await?;
        self.the_watch_sees().await?;
        self.picture("setup").await?;
        page.fill("#code", code).await?;
        self.name_and_password("not the same").await?;
        page.click("main form button").await?;
        page.shows("#again[aria-invalid=true]").await?;
        self.picture("setup-wrong").await?;
        self.name_and_password(&self.demo.password).await?;
        page.click("main form button").await?;
        page.at("/").await?;
        page.says(".account .who", USER).await?;
        self.picture("clusters-empty").await
    }

    async fn name_and_password(&self, again: &str) -> Result<()> {
        self.page.fill("#user", USER).await?;
        self.page.fill("#password", &self.demo.password).await?;
        self.page.fill("#again", again).await
    }

    /// What the pages must never do is done once on purpose, so that silence later means something.
    async fn the_watch_sees(&self) -> Result<()> {
        let before = self.page.complaints();
        ensure!(before.is_empty(), "complaints about the first page: {before:?}");
        let forbidden = "document.body.append(Object.assign(document.createElement('script'), \
                         { textContent: 'window.forbidden = true' })), typeof window.forbidden";
        let ran: String = self.page.value(forbidden).await?;
        ensure!(ran == "undefined", "a script inside the page ran in spite of the policy");
        let mut seen = Vec::new();
        for _ in 0..100 {
            seen.extend(self.page.complaints());
            if seen.iter().any(|said| said.contains("content security policy script-src")) {
                // The same refusal is told twice, by the page and by the browser's log; wait for the quiet.
                self.open("/setup").await?;
                self.page.complaints();
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("a refused script was not noticed: {seen:?}")
    }

    /// Imports the file; the path of the new cluster.
    async fn import(&self) -> Result<String> {
        let page = &self.page;
        page.click("main a[href='/import']").await?;
        page.at("/import").await?;
        self.picture("import-empty").await?;
        page.fill(TEXT, "primary = 192.0.2.1\nvirtual web {\n     active = 1\n").await?;
        page.click("button.button[value=check]").await?;
        page.shows("ol.lines li[data-tone] a.said").await?;
        page.shows("ol.findings a[href^='#file-0-line-']").await?;
        self.picture("import-damaged").await?;
        self.two_nodes().await?;
        page.fill(TEXT, FILE).await?;
        page.click("button.button[value=check]").await?;
        page.says("main", "one virtual server, 2 real servers, 2 directors").await?;
        self.picture("import-found").await?;
        page.fill("#name", "shop").await?;
        page.click("button[value=draft]").await?;
        page.until("the draft", "/^\\/clusters\\/[^/]+\\/changes$/.test(location.pathname)").await?;
        page.says("main", "The file is now your draft").await?;
        self.picture("changes-imported").await?;
        page.value::<String>("location.pathname.replace(/\\/changes$/, '')").await
    }

    /// The two files of a keepalived pair, read together: one cluster, its plan and its fail-over time; then left.
    async fn two_nodes(&self) -> Result<()> {
        let page = &self.page;
        page.fill(TEXT, &NODE.replace("PRIORITY", "150")).await?;
        page.click("button[value='add.files']").await?;
        page.fill("[name='files.1.text']", &NODE.replace("PRIORITY", "100")).await?;
        page.click("button.button[value=check]").await?;
        page.says("main", "one virtual server, one real server, 2 directors").await?;
        page.says("main", "at worst 3.61").await?;
        page.says("main", "-A -t 192.0.2.100:80 -s rr").await?;
        self.picture("import-keepalived").await?;
        page.click("button[value='remove.files.1']").await?;
        page.until("one text", "document.querySelectorAll('textarea').length === 1").await
    }

    /// Rows of a form come and go by its buttons, and nothing is saved by that.
    async fn rows(&self, cluster: &str, server: &str) -> Result<()> {
        let page = &self.page;
        let rows = |count: usize| format!("document.querySelectorAll('fieldset.item').length === {count}");
        self.open(&format!("{server}/scripts")).await?;
        page.until("one check", &rows(1)).await?;
        page.click("button[value='add.checks']").await?;
        page.until("two checks", &rows(2)).await?;
        self.picture("scripts-two-checks").await?;
        page.click("button[value='remove.checks.1']").await?;
        page.until("one check again", &rows(1)).await?;
        self.open(&format!("{cluster}/redundancy")).await?;
        let choose = "(() => { const list = document.querySelector(\"[name='protocol.kind']\"); \
                      list.value = 'vrrp'; return list.value === 'vrrp'; })()";
        ensure!(page.value::<bool>(choose).await?, "no VRRP to choose");
        page.click("button[value='add.protocol.instances']").await?;
        page.shows("[name='protocol.instances.0.virtual_router_id']").await?;
        page.click("button[value='add.addresses']").await?;
        page.shows("[name='addresses.0.device']").await?;
        self.picture("redundancy-vrrp").await?;
        self.open(&format!("{cluster}/redundancy")).await?;
        page.until("nothing saved", &rows(0)).await
    }

    /// Joins both directors with the commands that the pages show.
    async fn directors(&self, cluster: &str) -> Result<()> {
        let page = &self.page;
        for director in &DIRECTORS {
            self.tab(&format!("{cluster}/directors")).await?;
            if director == &DIRECTORS[0] {
                self.picture("directors-not-joined").await?;
            }
            page.click(&format!("main th a[href$='/directors/{}']", director.name)).await?;
            let dial = self.demo.dial(director).context("a director without an address")?;
            page.fill("#dial", &dial.to_string()).await?;
            page.click("form[action$='/token'] button.primary").await?;
            let command = page.text("#join-command").await?;
            self.picture("director-join").await?;
            let words: Vec<&str> = command.split_whitespace().collect();
            let after = |name: &str| {
                let at = words.iter().position(|word| *word == name);
                at.and_then(|at| words.get(at + 1)).with_context(|| format!("no {name} in {command}"))
            };
            ensure!(words.starts_with(&["caribe", "agent", "join"]), "not a join command: {command}");
            ensure!(*after("--fingerprint")? == self.demo.fingerprint, "another fingerprint: {command}");
            let token = *after("--token")?;
            tokio::task::block_in_place(|| self.demo.join(director, token))
                .with_context(|| format!("{} joins", director.name))?;
        }
        // The list is no live page: a person looks again.
        for director in &DIRECTORS {
            let row = format!(
                "[...document.querySelectorAll('main tbody tr')].find((row) => \
                               row.innerText.includes({}))",
                quoted(director.name)
            );
            let joined = format!("!/Not joined|Waiting|Connecting|No contact/.test({row}.innerText)");
            self.look_again(&format!("{cluster}/directors"), &joined).await?;
        }
        self.picture("directors-joined").await
    }

    /// Opens a page again and again until it shows what is waited for.
    async fn look_again(&self, path: &str, condition: &str) -> Result<()> {
        let begun = std::time::Instant::now();
        loop {
            self.open(path).await?;
            if self.page.value::<bool>(condition).await? {
                return Ok(());
            }
            if begun.elapsed() > Duration::from_secs(60) {
                bail!("{path} never showed {condition}:\n{}", self.page.text("main").await?);
            }
        }
    }

    async fn first_activation(&self, cluster: &str) -> Result<()> {
        let page = &self.page;
        self.tab(&format!("{cluster}/changes")).await?;
        let lines = [
            "-A -t 192.168.1.250:80 -s wlc",
            "-a -t 192.168.1.250:80 -r 10.0.0.100:80 -m -w 1",
            "-a -t 192.168.1.250:80 -r 10.0.0.200:80 -m -w 1",
        ];
        for line in lines {
            let all = format!(
                "(() => {{ const all = [...document.querySelectorAll('[aria-labelledby=preview-heading] pre.listing')]; \
                 return all.length === 2 && all.every((e) => e.innerText.includes({})); }})()",
                quoted(line)
            );
            page.until(&format!("{line} for both directors"), &all).await?;
        }
        self.picture("changes").await?;
        page.fill("#message", "From the old Piranha").await?;
        page.click("form[action$='/changes/activate'] button.primary").await?;
        page.until(
            "two directors that took it",
            "document.querySelectorAll('main article .state[data-tone=good]').length === 2",
        )
        .await?;
        self.picture("activated").await
    }

    async fn moving_counts(&self, cluster: &str) -> Result<()> {
        let page = &self.page;
        self.tab(cluster).await?;
        // From here on nothing may load the page anew.
        page.value::<bool>("(window.stays = true)").await?;
        page.shows("#live-verdict .verdict[data-tone=good]").await?;
        let cards = "[...document.querySelectorAll('#live-directors article')].map((e) => e.innerText)";
        for (director, state) in DIRECTORS.iter().zip(["Active", "Standby"]) {
            let card = format!("{cards}.find((text) => text.includes({}))", quoted(director.name));
            let look = format!("((text) => text.includes('{state}') && text.includes('In sync'))({card})");
            page.until(&format!("{} is {state} and in sync", director.name), &look).await?;
        }
        page.says("#bar-active", &format!("Active: {}", DIRECTORS[0].name)).await?;
        page.says("#live-directors article", "192.168.1.250").await?;
        for column in ["Inactive conn.", "In, bit/s", "Out, bit/s"] {
            page.until(&format!("{column} above 0"), &format!("{} > 0", number(SERVICE, column))).await?;
        }
        // Every connection stays countable for two minutes after its end, so these numbers can only rise now.
        let counted = number(SERVICE, "Inactive conn.");
        let total = format!(
            "Number(document.querySelector(`{SERVICE} td[data-label='Conn./s']`).title.replace(/\\D/g, ''))"
        );
        for _ in 0..3 {
            let (inactive, connections): (f64, f64) = page.value(&format!("[{counted}, {total}]")).await?;
            let grown = format!("{counted} > {inactive} && {total} > {connections}");
            page.until("counts that move", &grown).await?;
        }
        ensure!(page.value::<bool>("window.stays === true").await?, "the page was loaded anew");
        let tally = tokio::task::block_in_place(|| self.demo.tally())?;
        if tally.served.len() != 2 {
            bail!("not every real server answers clients: {tally:?}\n{}", page.text("main").await?);
        }
        self.picture("monitoring").await
    }

    async fn every_stream_opens(&self, cluster: &str) -> Result<()> {
        for _ in 0..LOADS {
            self.open(cluster).await?;
            self.page.until("a message of the stream", "window.streamed > 0").await?;
        }
        Ok(())
    }

    /// A wrong value comes back with its message, in the same document, and nothing is lost.
    async fn a_wrong_form(&self, cluster: &str) -> Result<()> {
        let page = &self.page;
        self.real_server(cluster).await?;
        page.value::<bool>("(window.stays = true)").await?;
        page.fill("#weight", "heavy").await?;
        page.fill("#name", "kept").await?;
        page.click("main form button.primary").await?;
        page.shows("#weight[aria-invalid=true]").await?;
        page.says("#weight-said-1", "whole number").await?;
        let kept: bool =
            page.value("document.querySelector('#name').value === 'kept' && window.stays").await?;
        ensure!(kept, "what was typed is gone");
        page.until("the keyboard where the mistake is", "document.activeElement.id === 'weight'").await?;
        self.picture("real-server-wrong").await
    }

    /// From a tab to the form of the first real server, by links.
    async fn real_server(&self, cluster: &str) -> Result<()> {
        let page = &self.page;
        self.tab(&format!("{cluster}/virtual-servers")).await?;
        page.click("main th a[href*='/virtual-servers/']").await?;
        page.click("ul.subtabs a[href$='/real-servers']").await?;
        page.shows("ul.subtabs a[href$='/real-servers'][aria-current=page]").await?;
        page.click("main th a[href*='/real-servers/']").await?;
        page.shows("#weight").await
    }

    async fn every_page(&self, cluster: &str) -> Result<()> {
        let form: String = self.page.value("location.pathname").await?;
        let list = form.rsplit_once('/').context("a path")?.0;
        let server = list.rsplit_once('/').context("a path")?.0;
        let below = |path: &str| format!("{cluster}{path}");
        let pages = [
            ("clusters", "/".to_owned()),
            ("cluster-new", "/clusters/new".to_owned()),
            ("global", below("/global")),
            ("redundancy", below("/redundancy")),
            ("virtual-servers", below("/virtual-servers")),
            ("virtual-server", server.to_owned()),
            ("scripts", format!("{server}/scripts")),
            ("real-servers", list.to_owned()),
            ("real-server", form.clone()),
            ("real-server-state", format!("{form}/state")),
            ("machines", below("/machines")),
            ("directors", below("/directors")),
            ("director", below("/directors/director-a")),
            ("changes-none", below("/changes")),
            ("revisions", below("/revisions")),
            ("revision", below("/revisions/1")),
            ("exports", below("/exports")),
            ("real-server-scripts", format!("{form}/scripts")),
            ("confirm", below("/delete")),
        ];
        for (name, path) in pages {
            self.open(&path).await?;
            self.picture(name).await?;
        }
        self.checked_now(&form).await?;
        self.rows(cluster, server).await?;
        // Nothing may be wrong so far; then the log says what is missing on purpose.
        let complaints = self.page.complaints();
        ensure!(complaints.is_empty(), "the browser complains: {complaints:#?}");
        self.open("/clusters/nothing").await?;
        self.picture("missing").await?;
        self.page.complaints();
        self.open(cluster).await?;
        self.page.click("form.switch button[value=zh-CN]").await?;
        self.page.until("Chinese", "document.documentElement.lang === 'zh-CN'").await?;
        self.picture("monitoring-zh-CN").await?;
        self.page.click("form.switch button[value=en]").await?;
        self.page.until("English", "document.documentElement.lang === 'en'").await?;
        self.page.click("form[action='/logout'] button").await?;
        self.page.at("/login").await?;
        self.picture("login").await
    }

    /// Each director's checks are asked for at once, and the page's stream opens.
    async fn checked_now(&self, form: &str) -> Result<()> {
        let page = &self.page;
        self.open(&format!("{form}/state")).await?;
        page.shows("#server-now #view-2").await?;
        page.click("form[action$='/state/check'] button").await?;
        page.says("#asked-1", "director-a").await?;
        page.says("#asked-2", "director-b").await?;
        page.shows(".probe dl").await?;
        self.picture("real-server-asked").await
    }

    /// Log in, change a weight, activate it, with plain forms and links alone.
    async fn without_scripts(&self, cluster: &str) -> Result<()> {
        let page = &self.page;
        page.scripts(false).await?;
        self.open(cluster).await?;
        page.at("/login").await?;
        ensure!(page.value::<bool>("typeof htmx === 'undefined'").await?, "scripts still run");
        page.fill("#user", USER).await?;
        page.fill("#password", &self.demo.password).await?;
        page.click("main form button").await?;
        page.at(cluster).await?;
        page.shows(SERVICE).await?;
        self.picture("monitoring-no-scripts").await?;
        self.real_server(cluster).await?;
        let form: String = page.value("location.pathname").await?;
        let server = form.split("/real-servers").next().context("a path")?;
        self.rows(cluster, server).await?;
        self.real_server(cluster).await?;
        page.fill("#weight", "heavy").await?;
        page.click("main form button.primary").await?;
        page.shows("#weight[aria-invalid=true]").await?;
        page.fill("#weight", "3").await?;
        page.click("main form button.primary").await?;
        let weight = "document.querySelector(\"main tbody td[data-label='Weight']\")?.innerText.trim()";
        page.until("the new weight in the draft", &format!("{weight} === '3'")).await?;
        page.shows("header.bar a.draft").await?;
        self.tab(&format!("{cluster}/changes")).await?;
        page.says("pre.listing", "-e -t 192.168.1.250:80 -r 10.0.0.100:80 -m -w 3").await?;
        self.picture("changes-weight").await?;
        page.click("form[action$='/changes/activate'] button.primary").await?;
        page.until(
            "two directors that took it",
            "document.querySelectorAll('main article .state[data-tone=good]').length === 2",
        )
        .await?;
        // What the kernel holds, as the directors report it.
        let first = format!("{} === 3", number("#live-services tr.server", "Weight"));
        self.look_again(cluster, &first).await?;
        page.scripts(true).await?;
        Ok(())
    }
}

/// The number in a row's cell, as JavaScript; what is not known is no number.
fn number(row: &str, label: &str) -> String {
    format!(
        "((text) => ({{ k: 1e3, M: 1e6, G: 1e9 }})[text.slice(-1)] * parseFloat(text) || \
         Number(text.replace(/\\s/g, '') || NaN))(document.querySelector(`{row} td[data-label='{label}']`).innerText.trim())"
    )
}
