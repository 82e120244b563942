//! How long samples are kept, and forgetting what is older.

use lvs::series::Resolution;

use crate::{Actor, Console, Error, Failure, Role};

/// The setting's name in the database.
const SETTING: &str = "series_retention_days";
/// Ten-second samples are kept for this many seconds.
const FINE_S: i64 = 6 * 3600;
/// Days that may be asked for.
const DAYS: std::ops::RangeInclusive<u32> = 1..=400;

/// How many days of samples are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// One a minute.
    pub minute_days: u32,
    /// One every ten minutes.
    pub coarse_days: u32,
}

/// Days out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("samples are kept for 1 to 400 days, those of ten minutes not shorter than those of one")]
pub struct RetentionError;

impl Default for Retention {
    fn default() -> Self {
        Retention { minute_days: 14, coarse_days: 90 }
    }
}

impl Retention {
    /// Checks the days.
    pub fn new(minute_days: u32, coarse_days: u32) -> Result<Self, RetentionError> {
        let fits = DAYS.contains(&minute_days) && DAYS.contains(&coarse_days) && minute_days <= coarse_days;
        if fits { Ok(Retention { minute_days, coarse_days }) } else { Err(RetentionError) }
    }

    /// Seconds that samples of a resolution are kept.
    fn seconds(self, resolution: Resolution) -> i64 {
        match resolution {
            Resolution::Live | Resolution::Fine => FINE_S,
            Resolution::Minute => i64::from(self.minute_days) * 86_400,
            Resolution::Coarse => i64::from(self.coarse_days) * 86_400,
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (minute, coarse) = text.split_once(' ')?;
        Retention::new(minute.parse().ok()?, coarse.parse().ok()?).ok()
    }
}

impl Console {
    /// How long samples are kept.
    pub async fn retention(&self) -> Result<Retention, Failure> {
        let mut tx = self.inner.store.read().await?;
        Ok(tx.setting(SETTING).await?.as_deref().and_then(Retention::read).unwrap_or_default())
    }

    /// Sets how long samples are kept. Needs Admin.
    pub async fn set_retention(&self, actor: &Actor, retention: Retention) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let before = self.retention().await?;
        let say = |of: Retention| format!("{} {}", of.minute_days, of.coarse_days);
        let mut tx = self.inner.store.write().await?;
        tx.put_setting(SETTING, &say(retention)).await?;
        let detail = format!("{} -> {}", say(before), say(retention));
        self.audit_row(&mut tx, actor, "settings.retention", SETTING, &detail).await?;
        tx.commit().await.map_err(Failure::from)?;
        Ok(())
    }

    /// Forgets samples that are older than they are kept.
    pub(crate) async fn forget_series(&self) -> Result<(), Failure> {
        let retention = self.retention().await?;
        let mut tx = self.inner.store.write().await?;
        for resolution in Resolution::STORED {
            let before = self.now() - retention.seconds(resolution);
            tx.forget_series_chunks(resolution.step_s(), before).await?;
        }
        Ok(tx.commit().await?)
    }
}
