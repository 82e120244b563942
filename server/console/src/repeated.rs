//! Requests of automation that come again with the same key, because an answer was lost.
//!
//! Kept by caller and key for 24 hours. Two at once with one key: the first is done, the second is told to wait.

use std::collections::BTreeMap;

use store::RepeatedAnswer;

use crate::{Actor, Console, Failure};

/// Seconds that an answer is kept.
const KEPT_S: i64 = 24 * 3600;
/// After so many seconds without an answer whoever worked at it is gone: no request takes that long.
const ABANDONED_S: i64 = 120;

/// An answer to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers that belong to it.
    pub headers: BTreeMap<String, String>,
    /// Its body; none where it held a secret and is not kept.
    pub body: Option<Vec<u8>>,
}

/// What is known of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: it is to be done now.
    New,
    /// It is being done.
    Busy,
    /// Another request came with that key.
    Other,
    /// It was done; this was the answer.
    Answered(KeptAnswer),
}

impl Console {
    /// Notes that a request is begun, where it is new. `digest` is what tells it from others: SHA-256, hexadecimal.
    pub async fn begin_request(&self, actor: &Actor, key: &str, digest: &str) -> Result<Begun, Failure> {
        let caller = actor.owner();
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        tx.forget_repeated_requests(now - KEPT_S).await?;
        if let Some(known) = tx.repeated_request(&caller, key).await? {
            if known.digest != digest {
                return Ok(Begun::Other);
            }
            if let Some(RepeatedAnswer { status, headers, body }) = known.answer {
                return Ok(Begun::Answered(KeptAnswer { status, headers, body }));
            }
            if known.begun + ABANDONED_S > now {
                return Ok(Begun::Busy);
            }
        }
        tx.begin_repeated_request(&caller, key, digest, now).await?;
        tx.commit().await?;
        Ok(Begun::New)
    }

    /// Keeps the answer to a request that was begun.
    pub async fn end_request(&self, actor: &Actor, key: &str, answer: &KeptAnswer) -> Result<(), Failure> {
        let KeptAnswer { status, headers, body } = answer.clone();
        let mut tx = self.inner.store.write().await?;
        let answer = RepeatedAnswer { status, headers, body };
        tx.answer_repeated_request(&actor.owner(), key, &answer).await?;
        Ok(tx.commit().await?)
    }

    /// Forgets a request that was begun and refused: it did nothing, and may come again.
    pub async fn forget_request(&self, actor: &Actor, key: &str) -> Result<(), Failure> {
        let mut tx = self.inner.store.write().await?;
        tx.forget_repeated_request(&actor.owner(), key).await?;
        Ok(tx.commit().await?)
    }
}
