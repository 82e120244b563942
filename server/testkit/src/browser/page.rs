//! A page as a person uses it: addresses, clicks at places on the screen, typed text, and what can be read. What is
//! clicked must be visible and not covered by anything else.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use chromiumoxide::cdp::browser_protocol::emulation::{
    ClearDeviceMetricsOverrideParams, MediaFeature, SetDeviceMetricsOverrideParams, SetEmulatedMediaParams,
    SetScriptExecutionDisabledParams,
};
use chromiumoxide::cdp::browser_protocol::input::InsertTextParams;
use chromiumoxide::cdp::browser_protocol::page::{
    AddScriptToEvaluateOnNewDocumentParams, CaptureScreenshotFormat, CaptureScreenshotParams, NavigateParams,
    Viewport,
};
use chromiumoxide::cdp::browser_protocol::web_authn::{
    AddVirtualAuthenticatorParams, AuthenticatorProtocol, AuthenticatorTransport, EnableParams,
    VirtualAuthenticatorOptions,
};
use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use chromiumoxide::layout::Point;
use serde::de::DeserializeOwned;

use super::complaints::Complaints;

/// How long a page may take to show what was asked for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Runs in every page before its own scripts: what the content security policy refuses becomes an error of the
/// console, and messages of a live stream are counted in `streamed`.
const WATCH: &str = r#"
document.addEventListener("securitypolicyviolation", (event) =>
  console.error("content security policy", event.effectiveDirective, event.blockedURI, event.sourceFile));
document.addEventListener("htmx:sse:after:message", () => { window.streamed = (window.streamed ?? 0) + 1; });
"#;

/// Sizes in which pictures are taken: a desk and a small phone.
const WIDTHS: [(i32, i32); 2] = [(1440, 900), (360, 740)];

/// The innermost elements that reach beyond the screen, when the page itself is wider than it.
const BEYOND: &str = r#"(width) => {
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width + 1);
  const inner = wide.filter((e) => !wide.some((other) => other !== e && e.contains(other)));
  return inner.slice(0, 5).map((e) => `<${e.localName} class="${e.getAttribute("class") ?? ""}"> ${e.textContent.slice(0, 60)}`);
}"#;

/// Finds what keeps people with other eyes, ears and hands out of a page: axe-core 4.14.1, by Deque Systems, unchanged.
const AXE: &str = include_str!("../../axe/axe.min.js");

/// What it finds against WCAG 2.2 at level AA, and against good practice, a line each.
const JUDGE: &str = r#"axe.run(document, {
  resultTypes: ["violations"],
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}).then((found) => found.violations.flatMap((rule) => rule.nodes.slice(0, 3).map((node) =>
  `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary.replace(/\s+/g, " ")}`)))"#;

/// Text as JavaScript source.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A page.
pub struct Page {
    page: chromiumoxide::Page,
    complaints: Complaints,
    /// Whether the page's own scripts run.
    scripts: AtomicBool,
}

impl Page {
    pub(super) async fn new(page: chromiumoxide::Page) -> Result<Page> {
        let complaints = Complaints::of(&page).await?;
        page.execute(AddScriptToEvaluateOnNewDocumentParams::new(WATCH)).await?;
        Ok(Page { page, complaints, scripts: AtomicBool::new(true) })
    }

    /// Opens an address and waits until it is there with everything it needs.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.value::<bool>("(window.left = true)").await?;
        let answer = self.page.execute(NavigateParams::new(url)).await?;
        if let Some(error) = &answer.error_text {
            bail!("{url}: {error}");
        }
        self.until(url, "!window.left && document.readyState === 'complete'").await
    }

    /// The value of an expression, or of the promise that it is; one that is not JSON is an error.
    pub async fn value<T: DeserializeOwned>(&self, expression: &str) -> Result<T> {
        let asked = EvaluateParams::builder()
            .expression(expression)
            .return_by_value(true)
            .await_promise(true)
            .build()
            .map_err(anyhow::Error::msg)?;
        let answer = self.page.execute(asked).await?;
        if let Some(thrown) = &answer.exception_details {
            let said = thrown.exception.as_ref().and_then(|thrown| thrown.description.clone());
            bail!("{expression}: {}", said.unwrap_or_else(|| thrown.text.clone()));
        }
        let value = answer.result.result.value.clone().unwrap_or_default();
        serde_json::from_value(value).with_context(|| format!("the value of {expression}"))
    }

    /// Waits until an expression is true. Where it never is, the error says what the page showed instead.
    pub async fn until(&self, what: &str, expression: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        // An error is an expression that does not fit the page yet, or a page that is just going.
        loop {
            let last = match self.value::<bool>(expression).await {
                Ok(true) => return Ok(()),
                Ok(false) => "it is not so".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            if Instant::now() >= deadline {
                let shown = self.value::<String>("`${location.href}\n${document.body.innerText}`").await;
                bail!("waited {} s for {what}: {last}\n{}", PATIENCE.as_secs(), shown.unwrap_or_default());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until something is there.
    pub async fn shows(&self, selector: &str) -> Result<()> {
        self.until(selector, &format!("document.querySelector({}) !== null", quoted(selector))).await
    }

    /// Waits until something is there and has these words in it.
    pub async fn says(&self, selector: &str, words: &str) -> Result<()> {
        let look = format!(
            "[...document.querySelectorAll({})].some((e) => e.innerText.includes({}))",
            quoted(selector),
            quoted(words)
        );
        self.until(&format!("{words:?} in {selector}"), &look).await
    }

    /// Waits until the address has this path.
    pub async fn at(&self, path: &str) -> Result<()> {
        let look = format!("location.pathname === {} && document.readyState === 'complete'", quoted(path));
        self.until(path, &look).await
    }

    /// The visible text of the first match.
    pub async fn text(&self, selector: &str) -> Result<String> {
        self.shows(selector).await?;
        self.value(&format!("document.querySelector({}).innerText", quoted(selector))).await
    }

    /// Clicks the first match in its middle, as soon as the page is whole, it is there and nothing covers it.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let place = format!(
            "(() => {{
               const element = document.querySelector({});
               element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
               const box = element.getClientRects()[0];
               const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
               const free = element.contains(document.elementFromPoint(x, y)) && !element.disabled;
               return free && document.readyState === 'complete' ? [x, y] : null;
             }})()",
            quoted(selector)
        );
        self.until(&format!("{selector} to be clickable"), &format!("{place} !== null")).await?;
        let (x, y) = self.value::<(f64, f64)>(&place).await?;
        self.page.click(Point::new(x, y)).await?;
        Ok(())
    }

    /// Types into a field, in place of what is there.
    pub async fn fill(&self, selector: &str, text: &str) -> Result<()> {
        self.click(selector).await?;
        let field = format!("document.querySelector({})", quoted(selector));
        self.value::<bool>(&format!("({field}.select(), document.activeElement === {field})")).await?;
        self.page.execute(InsertTextParams::new(text)).await?;
        let wanted = quoted(text.trim_end());
        self.until("the typed text", &format!("{field}.value.trimEnd() === {wanted}")).await
    }

    /// Switches the page's own scripts off or on, from the next address on.
    pub async fn scripts(&self, on: bool) -> Result<()> {
        self.page.execute(SetScriptExecutionDisabledParams::new(!on)).await?;
        self.scripts.store(on, Ordering::Relaxed);
        Ok(())
    }

    /// Gives the computer an authenticator that keeps passkeys, and an owner who always shows it a finger.
    pub async fn authenticator(&self) -> Result<()> {
        self.page.execute(EnableParams::default()).await?;
        let options = VirtualAuthenticatorOptions::builder()
            .protocol(AuthenticatorProtocol::Ctap2)
            .transport(AuthenticatorTransport::Internal)
            .has_resident_key(true)
            .has_user_verification(true)
            .is_user_verified(true)
            .automatic_presence_simulation(true)
            .build()
            .map_err(anyhow::Error::msg)?;
        self.page.execute(AddVirtualAuthenticatorParams::new(options)).await?;
        Ok(())
    }

    /// Takes out what the browser has complained about so far.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.take()
    }

    /// Notes what a judge of accessibility finds wrong with the page as it is shown now. Needs the page's scripts on.
    async fn judged(&self, name: &str) -> Result<()> {
        if !self.value::<bool>("typeof axe === 'object'").await? {
            self.value::<serde_json::Value>(&format!("({{}}, (() => {{ {AXE} }})(), null)")).await?;
        }
        let found: Vec<String> = self.value(JUDGE).await?;
        found.into_iter().for_each(|wrong| self.complaints.note(format!("{name}: {wrong}")));
        Ok(())
    }

    /// Takes pictures of the whole page, wide and narrow, light and dark, into `folder`. A page that is wider than
    /// the screen is a complaint, and so is what is not accessible on it.
    pub async fn pictures(&self, folder: &Path, name: &str) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let usual: i32 = self.value("innerWidth").await?;
        for (width, height) in WIDTHS {
            self.page
                .execute(SetDeviceMetricsOverrideParams::new(
                    i64::from(width),
                    i64::from(height),
                    1.0,
                    width < 500,
                ))
                .await?;
            // Not innerWidth: where a page is too wide, a phone shows it smaller, and that number grows.
            self.until("the new size", &format!("matchMedia('(width: {width}px)').matches")).await?;
            let down: f64 = self.value("document.documentElement.scrollHeight").await?;
            let beyond: Vec<String> = self.value(&format!("({BEYOND})({width})")).await?;
            if !beyond.is_empty() {
                let what = beyond.join(", ");
                self.complaints.note(format!("{name} is wider than a screen of {width}: {what}"));
            }
            for theme in ["light", "dark"] {
                let feature = MediaFeature::new("prefers-color-scheme", theme);
                self.page.execute(SetEmulatedMediaParams::builder().features([feature]).build()).await?;
                // Colours may fade over.
                let look = format!(
                    "matchMedia('(prefers-color-scheme: {theme})').matches && \
                     !document.getAnimations().some((running) => running instanceof CSSTransition)"
                );
                self.until("the new colours", &look).await?;
                if self.scripts.load(Ordering::Relaxed) {
                    self.judged(&format!("{name}, {width}, {theme}")).await?;
                }
                let clip = Viewport { x: 0.0, y: 0.0, width: f64::from(width), height: down, scale: 1.0 };
                let shot = CaptureScreenshotParams::builder()
                    .format(CaptureScreenshotFormat::Png)
                    .capture_beyond_viewport(true)
                    .clip(clip)
                    .build();
                let bytes = self.page.screenshot(shot).await?;
                std::fs::write(folder.join(format!("{name}-{width}-{theme}.png")), bytes)?;
            }
        }
        self.page.execute(ClearDeviceMetricsOverrideParams::default()).await?;
        // What is clicked next would still move.
        self.until("the usual size", &format!("innerWidth === {usual}")).await
    }
}
