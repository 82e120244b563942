//! Contents of revisions that were read lately: a revision never changes, so nobody needs to parse its megabyte twice.
//!
//! Bounded by the length of the texts. A content gets here by being read or inserted, in place of one of the same
//! number, and is looked for only after its revision's row has been found: one that was rolled back is not seen.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use lvs::wire::Digest;

/// Bytes of JSON whose contents are kept, at most; parsed they take a few times that.
const KEPT: usize = 16 << 20;

/// A content as it was read, with its digest as this version writes it.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) cluster: Arc<lvs::Cluster>,
    pub(crate) digest: Digest,
}

#[derive(Debug)]
struct Entry {
    cluster: String,
    number: u64,
    length: usize,
    content: Content,
}

/// The contents, those asked for last at the end.
#[derive(Debug, Default)]
pub(crate) struct Contents(Mutex<VecDeque<Entry>>);

impl Contents {
    pub(crate) fn get(&self, cluster: &str, number: u64) -> Option<Content> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|entry| entry.number == number && entry.cluster == cluster)?;
        let entry = kept.remove(at)?;
        let content = entry.content.clone();
        kept.push_back(entry);
        Some(content)
    }

    /// Keeps a content of `length` bytes of JSON; those asked for longest ago go.
    pub(crate) fn keep(&self, cluster: &str, number: u64, length: usize, content: &Content) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|entry| entry.number != number || entry.cluster != cluster);
        kept.push_back(Entry { cluster: cluster.to_owned(), number, length, content: content.clone() });
        let mut total: usize = kept.iter().map(|entry| entry.length).sum();
        while total > KEPT && kept.len() > 1 {
            total -= kept.pop_front().map_or(0, |entry| entry.length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(name: &str) -> Content {
        let cluster = lvs::Cluster { name: name.to_owned(), ..lvs::Cluster::default() };
        Content { digest: Digest::of(&cluster), cluster: Arc::new(cluster) }
    }

    #[test]
    fn what_was_asked_for_longest_ago_goes_first() {
        let contents = Contents::default();
        for number in 1..=4 {
            contents.keep("cl_1", number, KEPT / 4, &content(&number.to_string()));
        }
        assert_eq!(contents.get("cl_1", 1).unwrap().cluster.name, "1");
        assert!(contents.get("cl_2", 1).is_none());
        contents.keep("cl_2", 1, KEPT / 4, &content("other"));
        assert!(contents.get("cl_1", 2).is_none(), "1 was asked for in between");
        assert_eq!(contents.get("cl_2", 1).unwrap().cluster.name, "other");
        contents.keep("cl_1", 9, KEPT * 2, &content("huge"));
        assert!(contents.get("cl_1", 1).is_none());
        assert!(contents.get("cl_1", 9).is_some(), "the newest stays, however long it is");
    }
}
