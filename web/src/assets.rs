//! The files a page needs besides itself, built into the program and served from this host only.
//!
//! Each is served under a path that holds a part of its own SHA-256, so that browsers may keep it for ever and a new
//! program never meets an old file. What is vendored, from where and with which hashes, is in `static/vendor.lock`.

use std::sync::OnceLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// One file.
pub(crate) struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $path:literal, $kind:literal) => {
        Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../../static/", $path)) }
    };
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

static ASSETS: [Asset; 8] = [
    asset!("tokens.css", "tokens.css", "text/css; charset=utf-8"),
    asset!("base.css", "base.css", "text/css; charset=utf-8"),
    asset!("app.css", "app.css", "text/css; charset=utf-8"),
    asset!("htmx.js", "vendor/htmx.js", "text/javascript; charset=utf-8"),
    asset!("app.js", "app.js", "text/javascript; charset=utf-8"),
    asset!("charts.js", "charts.js", "text/javascript; charset=utf-8"),
    asset!("passkeys.js", "passkeys.js", "text/javascript; charset=utf-8"),
    asset!("icon.svg", "icon.svg", "image/svg+xml"),
];

/// Where the pages find the files.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// Style sheets, in their order.
    pub(crate) styles: Vec<String>,
    /// Scripts, in their order.
    pub(crate) scripts: Vec<String>,
    /// The icon of the browser's tab.
    pub(crate) icon: String,
}

fn digest(bytes: &[u8]) -> String {
    let mut hex = hex::encode(Sha256::digest(bytes));
    hex.truncate(12);
    hex
}

fn digests() -> &'static [String] {
    static DIGESTS: OnceLock<Vec<String>> = OnceLock::new();
    DIGESTS.get_or_init(|| ASSETS.iter().map(|a| digest(a.bytes)).collect())
}

/// The paths of this program's files.
pub(crate) fn paths() -> &'static Paths {
    static PATHS: OnceLock<Paths> = OnceLock::new();
    PATHS.get_or_init(|| {
        let of = |kind: &str| {
            ASSETS
                .iter()
                .zip(digests())
                .filter(|(asset, _)| asset.kind == kind)
                .map(|(asset, digest)| format!("/static/{digest}/{}", asset.name))
                .collect::<Vec<_>>()
        };
        Paths { styles: of(CSS), scripts: of(JS), icon: of("image/svg+xml").pop().unwrap_or_default() }
    })
}

/// `GET /static/{digest}/{name}`: the file, or 404 where the digest is not that of this program's file.
pub(crate) async fn serve(
    axum::extract::Path((digest, name)): axum::extract::Path<(String, String)>,
) -> Result<Response, Error> {
    let found = ASSETS.iter().zip(digests()).find(|(asset, its)| asset.name == name && **its == digest);
    let (asset, _) = found.ok_or(Error::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    Ok((headers, asset.bytes).into_response())
}
