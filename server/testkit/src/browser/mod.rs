//! A real browser for tests of whole pages: headless Chromium over its debugging protocol, with a profile of its own.
//!
//! Never the user's profile, never a download, and never without an end: every wait has a deadline. Used by the
//! browser test of `xtask`; only with the feature `browser`.

mod complaints;
mod page;

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use chromiumoxide::BrowserConfig;
use futures_util::StreamExt as _;
use tokio::task::JoinHandle;

pub use self::page::{Page, quoted};

/// How long one command to the browser may take; generous, because a guest may be booting on the same processors.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a browser would otherwise do by itself, or needs of a machine.
const QUIET: &[&str] =
    &["disable-gpu", "disable-quic", "disable-component-update", "no-default-browser-check"];

/// A running browser. Close it when done; dropping it kills the process.
pub struct Browser {
    inner: chromiumoxide::Browser,
    listening: JoinHandle<()>,
    profile: Profile,
}

/// A folder that goes with its owner.
struct Profile(PathBuf);

impl Drop for Profile {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Browser {
    /// Starts the browser. It takes any certificate, as the console's is its own. Without `sandbox` it also runs as
    /// root, where Chromium refuses to start otherwise.
    pub async fn launch(executable: &Path, sandbox: bool) -> Result<Browser> {
        let profile = Profile(std::env::temp_dir().join(format!("caribe-browser-{}", std::process::id())));
        DirBuilder::new().mode(0o700).create(&profile.0).context("cannot make the browser's profile")?;
        let mut config = BrowserConfig::builder()
            .chrome_executable(executable)
            .user_data_dir(&profile.0)
            .new_headless_mode()
            .viewport(None)
            .window_size(1440, 900)
            .launch_timeout(PATIENCE)
            .request_timeout(PATIENCE)
            .args(QUIET.iter().copied())
            .arg("ignore-certificate-errors");
        if !sandbox {
            config = config.no_sandbox();
        }
        let config = config.build().map_err(|error| anyhow!("the browser's settings: {error}"))?;
        let (inner, mut handler) =
            chromiumoxide::Browser::launch(config).await.context("cannot start the browser")?;
        // A message that this library does not know is not an error of the pages; the end of the stream is the end.
        let listening = tokio::spawn(async move { while handler.next().await.is_some() {} });
        Ok(Browser { inner, listening, profile })
    }

    /// A new, empty page that notes down everything the browser complains about.
    pub async fn page(&self) -> Result<Page> {
        Page::new(self.inner.new_page("about:blank").await?).await
    }

    /// Ends the browser and waits for that.
    pub async fn close(mut self) -> Result<()> {
        self.inner.close().await?;
        tokio::time::timeout(PATIENCE, self.inner.wait()).await.context("the browser does not end")??;
        self.listening.abort();
        drop(self.profile);
        Ok(())
    }
}
