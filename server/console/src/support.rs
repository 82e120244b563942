//! The console's support bundle: what a developer needs to know of an installation, and the file it is given away as.
//!
//! It reads and changes nothing. Of the database it tells how many rows each table has; of what rows say only what the API
//! shows as well, with the same masks. Called by `caribe support-bundle`, the page SETTINGS and the API.

use std::io;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use lvs::support::{Bundle, Member};
use serde_json::{Value, json};

use crate::clock::timestamp;
use crate::{Actor, AuditQuery, Console, DirectorView, Error, EventQuery, Failure, Role};

/// Newest events of each cluster, and newest rows of the audit log.
const NEWEST: u32 = 500;

/// What is never in it, and why.
const LEFT_OUT: [(&str, &str); 6] = [
    ("pki/*", "the keys of this console and of its CA"),
    ("accounts, sessions, API tokens, join tokens", "only their number is in database.json"),
    ("keys of heartbeats", "who has one can pretend to be a director"),
    ("drafts and earlier revisions", "only what runs is told; their number is in database.json"),
    ("samples of traffic", "their number is in database.json"),
    ("the log", "it is where the service manager keeps it: journalctl -u caribe-console"),
];

/// A bundle, ready to be given away.
#[derive(Clone, PartialEq, Eq)]
pub struct SupportBundle {
    /// A file name that says of what it is and when it was made.
    pub name: String,
    /// A compressed tar archive.
    pub archive: Vec<u8>,
}

impl std::fmt::Debug for SupportBundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SupportBundle").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Makes the file of what was collected; `of` is one word for what it tells of, such as `console`.
///
/// # Errors
/// Never because of what is in it; memory is written to.
pub fn pack(mut bundle: Bundle, of: &str, at: Timestamp) -> io::Result<SupportBundle> {
    bundle.json(
        "version.json",
        &json!({
            "version": env!("CARGO_PKG_VERSION"),
            "architecture": std::env::consts::ARCH,
            "system": std::env::consts::OS,
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
            "made": at.to_string(),
        }),
    );
    let about = format!("Support bundle of Caribe {}: {of}.\nMade {at}.", env!("CARGO_PKG_VERSION"));
    let name = format!("caribe-support-{of}-{}", at.strftime("%Y%m%dT%H%M%SZ"));
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for Member { name: file, content } in bundle.finish(&about) {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(at.as_second().unsigned_abs());
        tar.append_data(&mut header, format!("{name}/{file}"), content.as_slice())?;
    }
    let archive = tar.into_inner()?.finish()?;
    Ok(SupportBundle { name: format!("{name}.tar.gz"), archive })
}

impl Console {
    /// The bundle of this console as a file. Needs Admin.
    pub async fn support_bundle(&self, actor: &Actor) -> Result<SupportBundle, Error> {
        let bundle = self.support(actor).await?;
        let at = timestamp(self.now());
        let packing = tokio::task::spawn_blocking(move || pack(bundle, "console", at));
        let packed = packing.await.map_err(|error| Failure::of("support bundle", error))?;
        Ok(packed.map_err(|error| Failure::of("support bundle", error))?)
    }

    /// What this console can tell, for a caller that has more to add. Needs Admin.
    pub async fn support(&self, actor: &Actor) -> Result<Bundle, Error> {
        actor.require(Role::Admin)?;
        let mut bundle = Bundle::default();
        for (what, why) in LEFT_OUT {
            bundle.leave_out(what, why);
        }
        bundle.json("console.json", &self.itself().await?);
        bundle.json("database.json", &self.database().await?);
        let rows = self.audit_log(actor, &AuditQuery::default(), NEWEST).await?;
        let rows: Vec<Value> = rows
            .into_iter()
            .map(|row| {
                json!({
                    "number": row.number, "at": row.at, "actor": row.actor, "source": row.source,
                    "action": row.action, "subject": row.subject, "cluster": row.cluster_id,
                    "before": row.before, "after": row.after, "detail": row.detail,
                })
            })
            .collect();
        bundle.json("audit.json", &rows);
        for cluster in self.clusters().await? {
            self.tell_cluster(actor, &cluster.id, &mut bundle).await?;
        }
        Ok(bundle)
    }

    async fn tell_cluster(&self, actor: &Actor, id: &str, bundle: &mut Bundle) -> Result<(), Error> {
        let mut tx = self.inner.store.read().await.map_err(Failure::from)?;
        for key in tx.heartbeat_keys(id).await.map_err(Failure::from)? {
            bundle.hide_text(&key.secret);
        }
        drop(tx);
        let cluster = self.cluster(id).await?;
        let running = cluster.running.map(|revision| {
            for secret in revision.content.secrets() {
                bundle.hide(&secret);
            }
            json!({
                "number": revision.summary.number, "parent": revision.summary.parent,
                "digest": revision.summary.digest, "author": revision.summary.author,
                "message": revision.summary.message, "created": revision.summary.created,
                "content": revision.content.masked(),
            })
        });
        let told = json!({
            "id": cluster.id, "name": cluster.name, "drafts": cluster.drafts, "running": running,
            "provisional": cluster.provisional.map(|trial| json!({ "revision": trial.revision, "until": trial.until })),
        });
        bundle.json(&format!("clusters/{id}/revision.json"), &told);
        let directors: Vec<Value> = self.directors(actor, id).await?.into_iter().map(director).collect();
        bundle.json(&format!("clusters/{id}/directors.json"), &directors);
        let query = EventQuery { limit: NEWEST, ..EventQuery::default() };
        let events = self.events(id, &query).await?.into_iter().map(|event| {
            json!({ "number": event.number, "director": event.director, "at": event.at, "what": event.what })
        });
        bundle.json(&format!("clusters/{id}/events.json"), &events.collect::<Vec<Value>>());
        Ok(())
    }

    async fn itself(&self) -> Result<Value, Failure> {
        let kept = self.retention().await?;
        Ok(json!({
            "data": self.inner.data.display().to_string(),
            "names": self.names(),
            "listening": self.listening(),
            "installation": self.pki().installation(),
            "ca_fingerprint": self.pki().ca_fingerprint(),
            "web_fingerprint": self.pki().web_fingerprint(),
            "last_backup": self.last_backup().await?,
            "retention_days": { "minutes": kept.minute_days, "coarse": kept.coarse_days },
        }))
    }

    async fn database(&self) -> Result<Value, Failure> {
        let told = self.inner.store.read().await?.statistics().await?;
        let file = self.inner.data.join(crate::DATABASE);
        let log = file.with_extension("db-wal");
        let size = |path: &Path| std::fs::metadata(path).ok().map(|found| found.len());
        let tables: serde_json::Map<String, Value> =
            told.tables.into_iter().map(|(name, rows)| (name, json!(rows))).collect();
        Ok(json!({
            "engine": format!("SQLite {}", told.engine), "migrations": told.migrations,
            "bytes": told.bytes, "free_bytes": told.free, "file_bytes": size(&file), "log_bytes": size(&log),
            "rows": tables,
        }))
    }
}

/// What is known of a director: what the database says, and what it last reported to this process.
fn director(view: DirectorView) -> Value {
    let live = view.live.map(|live| {
        json!({
            "connected": live.connected, "since": live.since, "last_error": live.last_error,
            "sync": format!("{:?}", live.sync), "status": live.status, "status_at": live.status_at,
            "snapshot": live.snapshot.as_deref(), "snapshot_at": live.snapshot_at,
            "checks": live.checks.as_deref(), "checks_at": live.checks_at, "orders": live.orders,
        })
    });
    let push = view.last_push.map(|push| {
        json!({ "revision": push.revision, "outcome": push.outcome, "detail": push.detail, "at": push.at })
    });
    json!({
        "id": view.id, "name": view.name, "seat": view.seat, "public": view.public, "private": view.private,
        "dial": view.dial, "enrolled": view.enrolled, "certificate_ends": view.certificate_ends,
        "draft_only": view.draft_only, "last_push": push, "live": live,
    })
}
