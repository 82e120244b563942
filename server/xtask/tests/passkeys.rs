//! Passkeys in a real browser, with an authenticator that the browser itself imitates: one is added on the page of the
//! account, signs in alone and after the password, and is removed. Without scripts nothing of it is offered.
//!
//! Every wait has a deadline, and the whole has one. Pictures are left in `target/screenshots`. Run by
//! `cargo xtask test --only browser`.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use testkit::browser::{Browser, Page};
use testkit::caribe::{Console, Program};
use xtask::{programs, system};

/// How long all of it may take; it takes half a minute on a small machine.
const LIMIT: Duration = Duration::from_secs(240);
const USER: &str = "xiaoming";
const PASSWORD: &str = "correct-mule-battery-9";

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_passkey_is_added_signs_in_alone_and_after_the_password_and_is_removed() {
    let folder = Folder(std::env::temp_dir().join(format!("caribe-passkeys-{}", std::process::id())));
    fs::create_dir_all(&folder.0).expect("a folder");
    let program = Program { binary: programs::binary("caribe").expect("the program"), namespace: None };
    let (data, log) = (folder.0.join("data"), folder.0.join("log"));
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let console = Console::start(&program, &data, listen, &log).expect("the console starts");
    console.account(USER, PASSWORD).expect("an account");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let port = console.address.port();
    let walked = runtime.block_on(async { tokio::time::timeout(LIMIT, walk(port)).await });
    console.stop().expect("the console ends in order");
    if let Err(error) = walked.expect("the whole way within the limit") {
        panic!("{error:#}");
    }
}

async fn walk(port: u16) -> Result<()> {
    let browser = Browser::launch(&system::program("chromium")?, !system::is_root()).await?;
    let walk = Walk { page: browser.page().await?, port, pictures: programs::target().join("screenshots") };
    let done = async {
        walk.by_an_address().await.context("by an address")?;
        walk.add().await.context("a passkey is added")?;
        walk.alone().await.context("with the passkey alone")?;
        walk.after_the_password().await.context("after the password")?;
        walk.without_scripts().await.context("without scripts")?;
        walk.remove().await.context("it is removed")
    };
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

struct Walk {
    page: Page,
    port: u16,
    pictures: PathBuf,
}

impl Walk {
    async fn open(&self, path: &str) -> Result<()> {
        self.page.open(&format!("https://localhost:{}{path}", self.port)).await
    }

    async fn picture(&self, name: &str) -> Result<()> {
        self.page.pictures(&self.pictures, name).await
    }

    /// Waits until something can be seen.
    async fn visible(&self, selector: &str) -> Result<()> {
        let look = format!("document.querySelector(`{selector}`)?.checkVisibility() === true");
        self.page.until(&format!("{selector} to be seen"), &look).await
    }

    async fn name_and_password(&self) -> Result<()> {
        self.page.fill("#user", USER).await?;
        self.page.fill("#password", PASSWORD).await?;
        self.page.click("form[action='/login'] button").await
    }

    async fn sign_out(&self) -> Result<()> {
        self.page.click("form[action='/logout'] button").await?;
        self.page.at("/login").await
    }

    async fn by_an_address(&self) -> Result<()> {
        let page = &self.page;
        page.open(&format!("https://127.0.0.1:{}/login?next=/me/passkeys", self.port)).await?;
        self.name_and_password().await?;
        page.at("/me/passkeys").await?;
        page.says("main .note", "opened by an address").await?;
        self.picture("passkeys-address").await?;
        self.sign_out().await
    }

    async fn add(&self) -> Result<()> {
        let page = &self.page;
        self.open("/login").await?;
        page.authenticator().await?;
        ensure!(
            page.value::<bool>("document.querySelector('[data-passkey]') === null").await?,
            "nobody has one, and the login offers it"
        );
        self.name_and_password().await?;
        page.at("/").await?;
        page.click(".account a.who[href='/me']").await?;
        page.at("/me").await?;
        page.click("main a[href='/me/passkeys']").await?;
        page.at("/me/passkeys").await?;
        // Loaded smoothly: the form appears there as well.
        self.visible("form[data-passkey]").await?;
        self.picture("passkeys-none").await?;
        page.fill("#password", PASSWORD).await?;
        page.click("form[data-passkey] button").await?;
        page.says("[data-said-here]", "1 to 60 characters").await?;
        self.picture("passkeys-wrong").await?;
        page.fill("#name", "laptop").await?;
        page.click("form[data-passkey] button").await?;
        let codes = page.text("#codes").await?;
        ensure!(codes.split_whitespace().count() == 10, "{codes}");
        self.open("/me/passkeys").await?;
        page.says("table th", "laptop").await?;
        self.picture("passkeys").await?;
        // The same authenticator again: the browser knows that it has one.
        page.fill("#name", "laptop again").await?;
        page.fill("#password", PASSWORD).await?;
        page.click("form[data-passkey] button").await?;
        page.says("[data-said-here]", "on that device already").await?;
        self.sign_out().await
    }

    async fn alone(&self) -> Result<()> {
        let page = &self.page;
        self.open("/me/passkeys").await?;
        page.at("/login").await?;
        self.visible("form[data-passkey]").await?;
        self.picture("login-passkey").await?;
        page.click("form[data-passkey] button").await?;
        page.at("/me/passkeys").await?;
        page.says(".account .who", USER).await?;
        page.until("its last use", "document.querySelectorAll('tbody td')[1].innerText.includes('UTC')")
            .await?;
        self.sign_out().await
    }

    async fn after_the_password(&self) -> Result<()> {
        let page = &self.page;
        self.open("/login").await?;
        self.name_and_password().await?;
        page.at("/login/code").await?;
        self.visible("form[data-passkey]").await?;
        self.picture("login-code-passkey").await?;
        page.click("form[data-passkey] button").await?;
        page.at("/").await?;
        page.says(".account .who", USER).await?;
        self.sign_out().await
    }

    async fn without_scripts(&self) -> Result<()> {
        let page = &self.page;
        page.scripts(false).await?;
        self.open("/login").await?;
        page.says("[data-no-passkey]", "Passkeys need a browser").await?;
        ensure!(
            page.value::<bool>("!document.querySelector('form[data-passkey]').checkVisibility()").await?,
            "the form is shown without scripts"
        );
        self.name_and_password().await?;
        page.at("/login/code").await?;
        self.picture("login-code-no-scripts").await?;
        page.scripts(true).await
    }

    async fn remove(&self) -> Result<()> {
        let page = &self.page;
        self.open("/login").await?;
        self.visible("form[data-passkey]").await?;
        page.click("form[data-passkey] button").await?;
        page.at("/").await?;
        self.open("/me/passkeys").await?;
        page.click("table a.button").await?;
        // The list has a field of that name, too.
        self.visible("main form .button.danger").await?;
        page.fill("#password", PASSWORD).await?;
        self.picture("passkey").await?;
        page.click("main form .button.danger").await?;
        page.says(".note[role=status]", "The passkey is removed").await?;
        self.sign_out().await?;
        ensure!(
            page.value::<bool>("document.querySelector('[data-passkey]') === null").await?,
            "nobody has one any more, and the login offers it"
        );
        self.name_and_password().await?;
        page.at("/").await
    }
}
