//! One change of a cluster's content, as a pure function: find the object, write it, give identities.

use std::collections::{BTreeMap, BTreeSet};

use lvs::Cluster;
use lvs::model::{Id, RealServer, VirtualServer};

use super::Edit;
use crate::{ChangeError, Failure, Missing, Thing};

/// Makes identities: from a prefix, one that nobody has yet.
pub(super) type Fresh<'a> = &'a mut dyn FnMut(&str) -> Result<String, Failure>;

/// A content after an edit.
pub(super) struct Edited {
    pub(super) content: Cluster,
    /// The objects that were written, as JSON pointers; none where one was only removed.
    pub(super) pointers: Vec<String>,
    /// The virtual or real server that was written.
    pub(super) id: Option<Id>,
}

/// The content after `edit`; a masked secret in it stays what it was. Rules are not checked here, only that what is named exists.
pub(super) fn apply(current: &Cluster, edit: Edit, fresh: Fresh<'_>) -> Result<Edited, ChangeError> {
    let mut content = current.clone();
    let (pointer, id) = match edit {
        Edit::Together(edits) => return together(current, edits, fresh),
        Edit::Name(name) => {
            content.name = name;
            (Some("/name".to_owned()), None)
        }
        Edit::Global(global) => {
            content.global = global;
            (Some("/global".to_owned()), None)
        }
        Edit::Redundancy(redundancy) => {
            content.redundancy = redundancy;
            content = content.unmasked(current);
            (Some("/redundancy".to_owned()), None)
        }
        Edit::PutDirector { previous, director } => {
            let index = match previous {
                Some(name) => {
                    let index = director_at(&content, &name)?;
                    if let Some(place) = content.directors.get_mut(index) {
                        *place = director;
                    }
                    index
                }
                None => {
                    content.directors.push(director);
                    content.directors.len() - 1
                }
            };
            (Some(format!("/directors/{index}")), None)
        }
        Edit::RemoveDirector(name) => {
            content.directors.remove(director_at(&content, &name)?);
            (None, None)
        }
        Edit::PutVirtualServer { id, server } => put_virtual_server(&mut content, id, server, fresh)?,
        Edit::RemoveVirtualServer(id) => {
            content.virtual_servers.remove(virtual_server_at(&content, &id)?);
            (None, None)
        }
        Edit::PutRealServer { virtual_server, id, server } => {
            put_real_server(&mut content, &virtual_server, id, server, fresh)?
        }
        Edit::RemoveRealServer { virtual_server, id } => {
            let at = virtual_server_at(&content, &virtual_server)?;
            if let Some(owner) = content.virtual_servers.get_mut(at) {
                owner.real_servers.remove(real_server_at(owner, &id)?);
            }
            (None, None)
        }
        Edit::SetActive { virtual_server, real_server, active } => {
            set_active(&mut content, &virtual_server, real_server.as_ref(), active)?
        }
        Edit::Replace(replacement) => {
            content = with_ids(replacement.unmasked(current), current, fresh)?;
            (Some(String::new()), None)
        }
    };
    Ok(Edited { content, pointers: pointer.into_iter().collect(), id })
}

/// The content after all of `edits`, one after another.
fn together(current: &Cluster, edits: Vec<Edit>, fresh: Fresh<'_>) -> Result<Edited, ChangeError> {
    let mut all = Edited { content: current.clone(), pointers: Vec::new(), id: None };
    for edit in edits {
        let next = apply(&all.content, edit, fresh)?;
        all.content = next.content;
        all.pointers.extend(next.pointers);
        all.id = next.id.or(all.id);
    }
    Ok(all)
}

type Written = (Option<String>, Option<Id>);

fn put_virtual_server(
    content: &mut Cluster,
    id: Option<Id>,
    mut server: VirtualServer,
    fresh: Fresh<'_>,
) -> Result<Written, ChangeError> {
    let at = id.map(|id| virtual_server_at(content, &id)).transpose()?;
    let previous = at.and_then(|at| content.virtual_servers.get(at)).cloned();
    server.id = match &previous {
        Some(previous) => previous.id.clone(),
        None => Id(fresh("vs_")?),
    };
    identify_real_servers(&mut server, previous.as_ref(), fresh)?;
    let written = server.id.clone();
    let index = match at.and_then(|at| content.virtual_servers.get_mut(at).map(|place| (at, place))) {
        Some((at, place)) => {
            *place = server;
            at
        }
        None => {
            content.virtual_servers.push(server);
            content.virtual_servers.len() - 1
        }
    };
    Ok((Some(format!("/virtual_servers/{index}")), Some(written)))
}

fn put_real_server(
    content: &mut Cluster,
    virtual_server: &Id,
    id: Option<Id>,
    mut server: RealServer,
    fresh: Fresh<'_>,
) -> Result<Written, ChangeError> {
    let at = virtual_server_at(content, virtual_server)?;
    let Some(owner) = content.virtual_servers.get_mut(at) else { return Ok((None, None)) };
    let index = match id {
        Some(id) => {
            let index = real_server_at(owner, &id)?;
            if let Some(place) = owner.real_servers.get_mut(index) {
                server.id = place.id.clone();
                *place = server;
            }
            index
        }
        None => {
            server.id = Id(fresh("rs_")?);
            owner.real_servers.push(server);
            owner.real_servers.len() - 1
        }
    };
    let written = owner.real_servers.get(index).map(|r| r.id.clone());
    Ok((Some(format!("/virtual_servers/{at}/real_servers/{index}")), written))
}

fn set_active(
    content: &mut Cluster,
    virtual_server: &Id,
    real_server: Option<&Id>,
    active: bool,
) -> Result<Written, ChangeError> {
    let at = virtual_server_at(content, virtual_server)?;
    let Some(owner) = content.virtual_servers.get_mut(at) else { return Ok((None, None)) };
    let Some(real_server) = real_server else {
        owner.active = active;
        return Ok((Some(format!("/virtual_servers/{at}/active")), Some(owner.id.clone())));
    };
    let index = real_server_at(owner, real_server)?;
    let Some(server) = owner.real_servers.get_mut(index) else { return Ok((None, None)) };
    server.active = active;
    Ok((Some(format!("/virtual_servers/{at}/real_servers/{index}/active")), Some(server.id.clone())))
}

fn director_at(content: &Cluster, name: &str) -> Result<usize, Missing> {
    content.directors.iter().position(|d| d.name == name).ok_or_else(|| Missing::new(Thing::Director, name))
}

/// By id, else by name.
fn virtual_server_at(content: &Cluster, id: &Id) -> Result<usize, Missing> {
    let servers = &content.virtual_servers;
    let by_id = servers.iter().position(|v| !v.id.is_unset() && v.id == *id);
    by_id
        .or_else(|| servers.iter().position(|v| v.name == id.0))
        .ok_or_else(|| Missing::new(Thing::VirtualServer, &id.0))
}

/// By id, else by name.
fn real_server_at(owner: &VirtualServer, id: &Id) -> Result<usize, Missing> {
    let servers = &owner.real_servers;
    let by_id = servers.iter().position(|r| !r.id.is_unset() && r.id == *id);
    by_id
        .or_else(|| servers.iter().position(|r| r.name == id.0))
        .ok_or_else(|| Missing::new(Thing::RealServer, &id.0))
}

/// Objects by what finds them again: their id, else their name; of several alike the first.
struct Known<'a, T> {
    by_id: BTreeMap<&'a Id, &'a T>,
    by_name: BTreeMap<&'a str, &'a T>,
}

impl<'a, T> Known<'a, T> {
    fn of(objects: &'a [T], names: impl Fn(&'a T) -> (&'a Id, &'a str)) -> Self {
        let mut known = Known { by_id: BTreeMap::new(), by_name: BTreeMap::new() };
        for object in objects {
            let (id, name) = names(object);
            known.by_id.entry(id).or_insert(object);
            known.by_name.entry(name).or_insert(object);
        }
        known
    }

    /// The object that one of this id and name was.
    fn same(&self, id: &Id, name: &str) -> Option<&'a T> {
        if id.is_unset() { self.by_name.get(name).copied() } else { self.by_id.get(id).copied() }
    }
}

/// Gives real servers the ids they had (by id, else by name), others new ones; no id twice.
fn identify_real_servers(
    server: &mut VirtualServer,
    previous: Option<&VirtualServer>,
    fresh: Fresh<'_>,
) -> Result<(), ChangeError> {
    let known = previous.map(|p| p.real_servers.as_slice()).unwrap_or_default();
    let known = Known::of(known, |r| (&r.id, &r.name));
    let mut used = BTreeSet::new();
    for real_server in &mut server.real_servers {
        let same = known.same(&real_server.id, &real_server.name).map(|k| &k.id);
        real_server.id = match same.filter(|id| !id.is_unset() && used.insert(*id)) {
            Some(id) => id.clone(),
            None => Id(fresh("rs_")?),
        };
    }
    Ok(())
}

/// A whole content with identities: those of `previous` where an object is the same one (by id, else by name).
pub(super) fn with_ids(
    mut content: Cluster,
    previous: &Cluster,
    fresh: Fresh<'_>,
) -> Result<Cluster, ChangeError> {
    let known = Known::of(&previous.virtual_servers, |v| (&v.id, &v.name));
    let mut used = BTreeSet::new();
    for server in &mut content.virtual_servers {
        let same = known.same(&server.id, &server.name);
        let same = same.filter(|k| !k.id.is_unset() && used.insert(&k.id));
        server.id = match same {
            Some(same) => same.id.clone(),
            None => Id(fresh("vs_")?),
        };
        identify_real_servers(server, same, fresh)?;
    }
    Ok(content)
}

/// Whether a finding's pointer is at `object` or within it.
pub(super) fn within(pointer: &str, object: &str) -> bool {
    pointer.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str, real_servers: &[&str]) -> VirtualServer {
        serde_json::from_value(serde_json::json!({
            "name": name,
            "vip": { "address": "192.0.2.1" },
            "real_servers": real_servers
                .iter()
                .map(|n| serde_json::json!({ "name": n, "address": "10.0.0.1" }))
                .collect::<Vec<_>>(),
        }))
        .unwrap()
    }

    fn edit(content: &Cluster, edit: Edit, counter: &mut u32) -> Result<Edited, ChangeError> {
        apply(content, edit, &mut |prefix| {
            *counter += 1;
            Ok(format!("{prefix}{counter}"))
        })
    }

    #[test]
    fn objects_get_ids_once_and_keep_them() {
        let mut n = 0;
        let empty = Cluster::default();
        let added = edit(
            &empty,
            Edit::PutVirtualServer { id: None, server: server("http", &["one", "two"]) },
            &mut n,
        )
        .unwrap();
        assert_eq!(added.id, Some(Id("vs_1".to_owned())));
        assert_eq!(added.pointers, ["/virtual_servers/0"]);
        let content = added.content;
        // By name, renamed, one real server kept by id, one by name, one new, and an id that is nobody's.
        let mut changed = server("web", &["uno", "two", "three", "four"]);
        changed.real_servers[0].id = Id("rs_2".to_owned());
        changed.real_servers[3].id = Id("rs_of_another".to_owned());
        let id = Some(Id("http".to_owned()));
        let content = edit(&content, Edit::PutVirtualServer { id, server: changed }, &mut n).unwrap().content;
        let http = &content.virtual_servers[0];
        assert_eq!((http.id.0.as_str(), http.name.as_str()), ("vs_1", "web"));
        let ids: Vec<&str> = http.real_servers.iter().map(|r| r.id.0.as_str()).collect();
        assert_eq!(ids, ["rs_2", "rs_3", "rs_4", "rs_5"]);
    }

    #[test]
    fn an_id_given_twice_stays_with_the_first() {
        let mut n = 0;
        let first = Edit::Replace(Cluster { virtual_servers: vec![server("a", &[])], ..Cluster::default() });
        let content = edit(&Cluster::default(), first, &mut n).unwrap().content;
        let mut two = vec![server("a", &[]), server("b", &[])];
        two[0].id = Id("vs_1".to_owned());
        two[1].id = Id("vs_1".to_owned());
        let replaced =
            edit(&content, Edit::Replace(Cluster { virtual_servers: two, ..Cluster::default() }), &mut n)
                .unwrap();
        let ids: Vec<&str> = replaced.content.virtual_servers.iter().map(|v| v.id.0.as_str()).collect();
        assert_eq!(ids, ["vs_1", "vs_2"]);
    }

    #[test]
    fn what_is_not_there_is_missing() {
        let mut n = 0;
        let nowhere = Id("nowhere".to_owned());
        for e in [
            Edit::RemoveVirtualServer(nowhere.clone()),
            Edit::RemoveDirector("nobody".to_owned()),
            Edit::PutVirtualServer { id: Some(nowhere.clone()), server: server("x", &[]) },
            Edit::SetActive { virtual_server: nowhere.clone(), real_server: None, active: false },
            Edit::RemoveRealServer { virtual_server: nowhere.clone(), id: nowhere },
            // An empty id must not match an object that has none yet.
            Edit::RemoveVirtualServer(Id::default()),
        ] {
            let content = Cluster { virtual_servers: vec![server("http", &[])], ..Cluster::default() };
            assert!(matches!(edit(&content, e, &mut n), Err(ChangeError::Missing(_))));
        }
    }

    #[test]
    fn several_edits_see_each_other_and_name_every_place() {
        let mut n = 0;
        let content = Cluster { virtual_servers: vec![server("http", &[])], ..Cluster::default() };
        let second = Edit::PutVirtualServer { id: None, server: server("https", &[]) };
        let real = server("", &["one"]).real_servers.remove(0);
        let into = Id("https".to_owned());
        let inner = Edit::PutRealServer { virtual_server: into, id: None, server: real };
        let edits = vec![Edit::RemoveVirtualServer(Id("http".to_owned())), second, inner];
        let edited = edit(&content, Edit::Together(edits), &mut n).unwrap();
        assert_eq!(edited.pointers, ["/virtual_servers/0", "/virtual_servers/0/real_servers/0"]);
        assert_eq!(edited.id, Some(edited.content.virtual_servers[0].real_servers[0].id.clone()));
        let nowhere = Edit::RemoveDirector("nobody".to_owned());
        let edits = vec![Edit::Name("other".to_owned()), nowhere];
        assert!(edit(&content, Edit::Together(edits), &mut n).is_err());
    }

    #[test]
    fn pointers_are_compared_by_whole_parts() {
        assert!(within("/virtual_servers/1/port", "/virtual_servers/1"));
        assert!(within("/virtual_servers/1", "/virtual_servers/1"));
        assert!(!within("/virtual_servers/10/port", "/virtual_servers/1"));
        assert!(within("/name", ""));
    }
}
