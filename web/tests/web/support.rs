//! The support bundle as a download: from the page SETTINGS and from the API, for administrators, and it changes nothing.

use axum::http::header;
use console::{Actor, Role};

use crate::site::Site;

#[tokio::test]
async fn administrators_download_a_support_bundle() {
    let site = Site::new().await;
    let mut browser = site.member(Role::Admin).await;
    let page = browser.get("/admin/settings").await.is(200);
    let link = "/admin/settings/support-bundle";
    assert!(page.body.contains(&format!("href=\"{link}\"")), "{}", page.body);
    let robot = site.robot(Role::Admin).await;
    let before = site.console.audit(&Actor::local(), None, None, 500).await.unwrap();
    for answer in [browser.get(link).await, robot.get("/system/support-bundle").await] {
        let answer = answer.is(200);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/gzip");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        let name = answer.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert!(name.starts_with("attachment; filename=\"caribe-support-console-"), "{name}");
        assert!(name.ends_with(".tar.gz\"") && answer.body.starts_with('\u{1f}'), "{name}");
    }
    assert_eq!(site.console.audit(&Actor::local(), None, None, 500).await.unwrap(), before);
    assert_eq!(site.robot(Role::Approver).await.get("/system/support-bundle").await.status, 403);
}
