//! Finding things by name, address or words: clusters, virtual and real servers, machines, directors, revisions,
//! accounts. Reads what runs and, of drafts, only the asker's own; what somebody may not see is not found.

use std::collections::BTreeSet;
use std::net::IpAddr;

use lvs::Cluster;

use crate::{Actor, Console, Failure, Role};

/// Characters of a question that are looked at.
const LONGEST: usize = 100;
/// Things that are given, at most.
const MOST: usize = 60;
/// Revisions of each cluster that are looked through, the newest.
const REVISIONS: usize = 200;

/// What was found, with the ids that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Find {
    /// A cluster.
    Cluster,
    /// A virtual server, by id.
    VirtualServer(String),
    /// A real server, by the ids of its virtual server and itself.
    RealServer(String, String),
    /// An address with all real servers it is.
    Machine(IpAddr),
    /// A director, by name.
    Director(String),
    /// A revision.
    Revision(u64),
    /// An account, by name.
    Account(String),
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub what: Find,
    /// Id and name of its cluster; none for accounts.
    pub cluster: Option<(String, String)>,
    /// What people call it.
    pub name: String,
    /// Address, author or role: what tells it from others of the same name.
    pub detail: String,
}

/// All that was found, the best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchResult {
    /// At most 60.
    pub found: Vec<Found>,
    /// How many more there are.
    pub more: usize,
}

/// The words of a question. Pure.
#[derive(Clone, Debug, Default)]
struct Question {
    words: Vec<String>,
    whole: String,
}

impl Question {
    fn of(text: &str) -> Self {
        let text: String = text.trim().chars().take(LONGEST).collect();
        let whole = text.to_lowercase();
        Question { words: whole.split_whitespace().map(ToOwned::to_owned).collect(), whole }
    }

    /// How well something answers, the lower the better: it is called so; it begins so; it holds all words. None
    /// where it does not answer.
    fn rank(&self, name: &str, detail: &str, more: &str) -> Option<u8> {
        let [name, detail, more] = [name, detail, more].map(str::to_lowercase);
        let holds =
            |word: &String| [&name, &detail, &more].into_iter().any(|text| text.contains(word.as_str()));
        if self.words.is_empty() || !self.words.iter().all(holds) {
            return None;
        }
        let is = |text: &str| text == self.whole;
        let begins = |text: &str| text.starts_with(&self.whole);
        Some(match () {
            () if is(&name) || is(&detail) || is(&more) => 0,
            () if begins(&name) || begins(&detail) => 1,
            () => 2,
        })
    }
}

/// What a cluster's content holds. Pure.
fn within(question: &Question, at: &(String, String), content: &Cluster, into: &mut Vec<(u8, Found)>) {
    let mut add = |what: Find, name: &str, detail: String, more: &str| {
        if let Some(rank) = question.rank(name, &detail, more) {
            let cluster = Some(at.clone());
            into.push((rank, Found { what, cluster, name: name.to_owned(), detail }));
        }
    };
    let mut machines = BTreeSet::new();
    for service in &content.virtual_servers {
        let key = service.key().map(|key| key.to_string()).unwrap_or_default();
        let address = service.vip.as_ref().map(|vip| vip.address.to_string()).unwrap_or_default();
        add(Find::VirtualServer(service.id.0.clone()), &service.name, key, &address);
        for real in &service.real_servers {
            let what = Find::RealServer(service.id.0.clone(), real.id.0.clone());
            let detail = format!("{} · {}", service.server_key(real), service.name);
            add(what, &real.name, detail, &real.address.to_string());
            machines.insert(real.address);
        }
    }
    for address in machines {
        add(Find::Machine(address), &address.to_string(), String::new(), "");
    }
    for director in &content.directors {
        let addresses = director.public.iter().chain(&director.private).map(ToString::to_string);
        let addresses = addresses.collect::<Vec<_>>().join(" ");
        add(Find::Director(director.name.clone()), &director.name, addresses, "");
    }
}

impl Console {
    /// What answers a question (words of names, addresses, authors and messages), the best first.
    pub async fn search(&self, actor: &Actor, text: &str) -> Result<SearchResult, Failure> {
        let question = Question::of(text);
        if question.words.is_empty() {
            return Ok(SearchResult::default());
        }
        let mut found: Vec<(u8, Found)> = Vec::new();
        let mut tx = self.inner.store.read().await?;
        for cluster in tx.clusters().await? {
            if actor.cluster.as_ref().is_some_and(|only| *only != cluster.id) {
                continue;
            }
            let at = (cluster.id.clone(), cluster.name.clone());
            if let Some(rank) = question.rank(&cluster.name, "", &cluster.id) {
                let (what, detail) = (Find::Cluster, String::new());
                found.push((
                    rank,
                    Found { what, cluster: Some(at.clone()), name: cluster.name.clone(), detail },
                ));
            }
            let draft = tx.draft(&cluster.id, &actor.owner()).await?;
            let running = tx.newest_revision(&cluster.id).await?;
            if let Some(running) = &running {
                within(&question, &at, &running.content, &mut found);
            }
            if let Some(draft) = draft {
                let known: Vec<Found> = found.iter().map(|(_, one)| one.clone()).collect();
                let mut own = Vec::new();
                within(&question, &at, &draft.content, &mut own);
                let new = |one: &Found| {
                    !known.iter().any(|other| other.what == one.what && other.cluster == one.cluster)
                };
                found.extend(own.into_iter().filter(|(_, one)| new(one)));
            }
            for head in tx.revisions(&cluster.id).await?.into_iter().take(REVISIONS) {
                let author = head.author.split_once('/').map_or(head.author.as_str(), |(_, name)| name);
                if let Some(rank) = question.rank(&head.number.to_string(), &head.message, author) {
                    let detail =
                        if head.message.is_empty() { author.to_owned() } else { head.message.clone() };
                    let (what, name) = (Find::Revision(head.number), head.number.to_string());
                    found.push((rank, Found { what, cluster: Some(at.clone()), name, detail }));
                }
            }
        }
        if actor.may(Role::Admin) && actor.cluster.is_none() {
            for account in tx.accounts().await? {
                if let Some(rank) = question.rank(&account.name, "", "") {
                    let what = Find::Account(account.name.clone());
                    found.push((
                        rank,
                        Found { what, cluster: None, name: account.name, detail: account.role },
                    ));
                }
            }
        }
        found.sort_by_key(|(rank, _)| *rank);
        let more = found.len().saturating_sub(MOST);
        Ok(SearchResult { found: found.into_iter().map(|(_, one)| one).take(MOST).collect(), more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_must_be_there_and_the_nearest_come_first() {
        let rank = |question: &str, name: &str, detail: &str| Question::of(question).rank(name, detail, "");
        assert_eq!(rank("web", "Web", ""), Some(0));
        assert_eq!(rank("web", "web-1", ""), Some(1));
        assert_eq!(rank("10.0.0.1", "one", "10.0.0.1:80"), Some(1));
        assert_eq!(rank("one 10.0", "one", "10.0.0.1:80"), Some(2));
        assert_eq!(rank("one two", "one", "10.0.0.1:80"), None);
        assert_eq!(rank("  ", "one", ""), None);
        assert_eq!(rank("首页", "首页服务", ""), Some(1));
        assert_eq!(Question::of(&"x".repeat(500)).whole.len(), LONGEST);
    }
}
