//! What the board says of directors that come, go, lag behind and run ahead.

use super::*;

fn known(running: u64) -> Known {
    Known {
        running: Some(running),
        on_trial: false,
        digests: (1..=running).map(|n| (n, Digest(format!("digest {n}")))).collect(),
        directors: vec![("director-a".to_owned(), Seat::Primary), ("director-b".to_owned(), Seat::Backup)],
        orders: 0,
    }
}

fn status(id: &str, state: State, revision: Option<u64>) -> Status {
    Status {
        digest: revision.map(|n| Digest(format!("digest {n}"))),
        revision,
        in_sync: true,
        ..serde_json::from_value(serde_json::json!({
            "director_id": id, "version": "0", "seat": null, "state": state, "state_ms": 0, "revision": null,
            "digest": null, "in_sync": false, "kernel_writes": 0, "holds": [], "foreign": [],
        }))
        .unwrap()
    }
}

fn board(running: u64) -> Board {
    let board = Board::default();
    let enrolled = |id: &str, name: &str| Enrolled {
        id: id.to_owned(),
        cluster: "cl_1".to_owned(),
        name: name.to_owned(),
        dial: None,
    };
    let directors = vec![enrolled("dir_a", "director-a"), enrolled("dir_b", "director-b")];
    board.refresh([("cl_1".to_owned(), known(running))].into(), directors, 1);
    board
}

fn report(board: &Board, id: &str, state: State, revision: Option<u64>) {
    board.event(id, Event::Status(Box::new(status(id, state, revision))), 0, 2);
}

impl Board {
    /// A cluster with one director that is connected and in that state.
    pub(crate) fn enrolled_for_test(&self, cluster: &str, id: &str, name: &str, state: State, now: i64) {
        let (cluster, name) = (cluster.to_owned(), name.to_owned());
        let who = Enrolled { id: id.to_owned(), cluster: cluster.clone(), name: name.clone(), dial: None };
        let known = Known { directors: vec![(name, Seat::Primary)], ..known(1) };
        self.refresh([(cluster, known)].into(), vec![who], now);
        self.event(id, Event::Status(Box::new(status(id, state, Some(1)))), 0, now);
    }
}

fn applied(revision: u64) -> Applied {
    Applied {
        revision,
        digest: Digest(format!("digest {revision}")),
        in_sync: true,
        steps: Vec::new(),
        failures: Vec::new(),
        took_ms: 1,
    }
}

#[test]
fn what_a_director_holds_is_compared_by_number_and_content() {
    let known = known(3);
    let with = |revision, digest: &str| Status {
        digest: Some(Digest(digest.to_owned())),
        ..status("dir_a", State::Active, revision)
    };
    assert_eq!(sync(None, &known), Sync::Unknown);
    assert_eq!(sync(Some(&status("d", State::Starting, None)), &known), Sync::Behind { held: None });
    assert_eq!(sync(Some(&with(Some(3), "digest 3")), &known), Sync::InSync);
    assert_eq!(sync(Some(&with(Some(2), "digest 2")), &known), Sync::Behind { held: Some(2) });
    assert_eq!(sync(Some(&with(Some(3), "digest 2")), &known), Sync::OtherContent { held: 3 });
    assert_eq!(sync(Some(&with(Some(2), "another")), &known), Sync::OtherContent { held: 2 });
    assert_eq!(sync(Some(&with(Some(9), "digest 9")), &known), Sync::Ahead { held: 9 });
    let applying = Status { in_sync: false, ..with(Some(3), "digest 3") };
    assert_eq!(sync(Some(&applying), &known), Sync::Applying);
    let drift = |due_s: Option<i64>| lvs::wire::Drift {
        row: "fwmark 1".to_owned(),
        found: Vec::new(),
        repair: Vec::new(),
        since_s: 1,
        repairs: 0,
        due_s,
    };
    for (due_s, held) in [(Some(5), false), (None, true)] {
        let drifted = Status { drift_count: 3, drift: vec![drift(due_s)], ..applying.clone() };
        assert_eq!(sync(Some(&drifted), &known), Sync::Drifted { rows: 3, held });
    }
    assert_eq!(sync(Some(&with(Some(1), "digest 1")), &Known::default()), Sync::Ahead { held: 1 });
}

#[test]
fn a_director_that_comes_back_behind_is_due_the_standby_first() {
    let board = board(3);
    assert!(!board.due("dir_a"), "not connected");
    report(&board, "dir_a", State::Active, Some(2));
    report(&board, "dir_b", State::Standby, None);
    assert!(board.due("dir_b"));
    assert!(!board.due("dir_a"), "the standby comes first");
    board.applied("dir_b", &applied(3), false);
    assert!(!board.due("dir_b"), "it holds the newest now");
    assert!(board.due("dir_a"));
}

#[test]
fn the_active_does_not_wait_for_a_standby_that_cannot_be_reached() {
    let board = board(3);
    report(&board, "dir_a", State::Active, Some(2));
    report(&board, "dir_b", State::Standby, Some(2));
    board.unreached("dir_b");
    assert!(board.due("dir_a") && board.due("dir_b"));
}

#[test]
fn nothing_is_pushed_unasked_where_a_person_decides() {
    let board = board(3);
    for revision in [3, 4, 9] {
        report(&board, "dir_a", State::Active, Some(revision));
        assert!(!board.due("dir_a"), "revision {revision}");
    }
    assert_eq!(board.highest_held("cl_1"), Some(9));
    report(&board, "dir_b", State::Standby, Some(1));
    assert!(board.due("dir_b"));
    board.refused("dir_b", 3);
    assert!(!board.due("dir_b"), "it refused revision 3");
    board.lost("dir_b", "gone", 5);
    report(&board, "dir_b", State::Standby, Some(1));
    assert!(board.due("dir_b"), "it came back");
    let guard = board.activating("cl_1");
    assert!(!board.due("dir_b"), "activation pushes in its own order");
    drop(guard);
    assert!(board.due("dir_b"));
}

#[test]
fn what_was_lived_outlasts_a_refresh_and_a_lost_link() {
    let board = board(3);
    report(&board, "dir_a", State::Active, Some(3));
    board.event("dir_a", Event::Snapshot(Box::default()), 0, 3);
    board.lost("dir_a", "no connection", 7);
    let enrolled = Enrolled {
        id: "dir_a".to_owned(),
        cluster: "cl_1".to_owned(),
        name: "director-a".to_owned(),
        dial: Some("192.0.2.1:3637".to_owned()),
    };
    board.refresh([("cl_1".to_owned(), known(4))].into(), vec![enrolled], 8);
    let live = board.cluster("cl_1", 9);
    assert_eq!(live.running, Some(4));
    assert_eq!(live.directors.len(), 2, "the unjoined is shown too");
    let a = &live.directors[0];
    assert!(!a.connected && a.snapshot.is_some());
    assert_eq!((a.since.as_second(), a.last_error.as_deref()), (7, Some("no connection")));
    assert_eq!(a.sync, Sync::Behind { held: Some(3) });
    assert_eq!(live.directors[1].id, None);
    assert!(live.active().is_none(), "the last word of a lost director is not the present");
}

#[test]
fn every_event_ticks() {
    let board = board(1);
    let mut ticks = board.subscribe();
    ticks.mark_unchanged();
    report(&board, "dir_a", State::Active, Some(1));
    assert!(ticks.has_changed().unwrap());
}
