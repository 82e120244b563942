//! Carrying a trial out: begun with the configuration that is on trial, ended by keeping it, or by going back.

use std::time::Instant;

use lvs::health::Standings;
use lvs::journal::Happening;
use lvs::wire::{Refusal, Target};

use super::Reconciler;
use super::listed::PROMPT;
use crate::disk::DiskError;
use crate::documents;
use crate::goal::{Goal, Neighbour};
use crate::intake::{self, Accepted, Held, Mark};
use crate::trial::{Trial, now_s};

fn failed(error: &DiskError) -> Refusal {
    Refusal::Failed { detail: error.to_string() }
}

impl Reconciler {
    /// Whether a configuration may be taken on trial here.
    pub(super) fn may_try(&self, mark: &Mark) -> Result<(), Refusal> {
        let refuse = |detail: String| Err(Refusal::Failed { detail });
        if self.held.is_none() {
            return refuse("a director without a configuration has none to go back to".to_owned());
        }
        match self.trial.as_ref().filter(|trial| trial.is_of(mark) && trial.note.undone_s.is_some()) {
            Some(trial) => {
                refuse(format!("revision {} was not kept and is undone here", trial.note.revision))
            }
            None => Ok(()),
        }
    }

    /// Notes durably what to go back to, before the configuration on trial is stored.
    pub(super) fn begin_trial(&mut self, mark: &Mark, seconds: u32) -> Result<(), Refusal> {
        // What is on trial already is nothing to go back to: what was held before it is.
        let earlier = self.trial.as_ref().filter(|trial| trial.note.undone_s.is_none());
        let before: Option<Target> = match earlier {
            Some(trial) => Some(trial.note.before.clone()),
            None => documents::held_target(&self.folder),
        };
        let Some(before) = before else {
            let detail = "what is held here cannot be read back, so nothing could be undone".to_owned();
            return Err(Refusal::Failed { detail });
        };
        let trial = Trial::begin(mark, seconds, before);
        trial.store(&self.folder).map_err(|error| failed(&error))?;
        tracing::info!(revision = mark.revision, seconds, "on trial");
        self.trial = Some(trial);
        Ok(())
    }

    /// What is held is to stay.
    pub(super) fn end_trial(&mut self) -> Result<(), Refusal> {
        let Some(trial) = &self.trial else { return Ok(()) };
        Trial::end(&self.folder).map_err(|error| failed(&error))?;
        let on_trial = trial.note.undone_s.is_none();
        if on_trial && self.held.as_ref().is_some_and(|held| trial.is_of(&held.mark())) {
            let revision = trial.note.revision;
            tracing::info!(revision, "kept");
            self.board.journal().note(Happening::Kept { revision, by: String::new() });
        }
        self.trial = None;
        Ok(())
    }

    /// When what is held is undone; none where it stays.
    pub(crate) fn undo_at(&self) -> Option<Instant> {
        let trial = self.trial.as_ref()?;
        let held = self.held.as_ref()?;
        trial.is_of(&held.mark()).then_some(trial.due)
    }

    /// The time is over: what was held before is held again, on the disk first. A disk that cannot be written holds
    /// nobody up; it is tried again after the next start.
    pub(crate) fn go_back(&mut self) -> bool {
        let Some(trial) = &mut self.trial else { return true };
        trial.note.undone_s.get_or_insert_with(now_s);
        // Never asked again in this life, whatever becomes of it.
        let (revision, before) = (trial.note.revision, trial.note.before.clone());
        let director = before.director_id.clone();
        let Accepted { held, bytes, .. } = match intake::check(before, &director, None) {
            Ok(accepted) => accepted,
            Err(refusal) => {
                tracing::error!(%refusal, revision, "what was held before is of no use; what is held stays");
                self.trial = None;
                return true;
            }
        };
        let stored = trial.store(&self.folder);
        let stored = stored.and_then(|()| self.remember_before(&held));
        let stored = stored.and_then(|()| documents::store_target(&self.folder, &bytes, false));
        if let Err(error) = stored {
            tracing::error!(%error, "that a configuration was undone is not on the disk");
        }
        let to = held.revision;
        tracing::warn!(revision, to, "nobody kept the configuration; the one before is back");
        self.claim_ahead(&held);
        self.replace(held);
        self.board.journal().note(Happening::WentBack { revision, to });
        self.pass().in_sync
    }

    /// What will be ours again is on the list before it is applied.
    fn claim_ahead(&mut self, held: &Held) {
        let mut list = self.ownership.clone();
        let goal = Goal::of(held, None, Neighbour::default(), &Standings::default());
        list.services.extend(goal.desired.table.services.keys().copied());
        if let Err(error) = self.keep(list, PROMPT) {
            tracing::error!(%error, "the list of what is ours is not on the disk");
        }
    }
}
