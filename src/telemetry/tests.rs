//! The page of metrics: every family once, with its help and type, and what the tree says in it.

use std::collections::BTreeSet;

use crate::supervision::{Kind, Load, Node, State};
use crate::telemetry::Telemetry;

fn node(path: &str, children: Vec<Node>) -> Node {
    let name = path.rsplit('/').next().unwrap().to_owned();
    let kind = if children.is_empty() { Kind::Worker } else { Kind::Supervisor };
    let (state, path, since_ms, escalations) = (State::Running, path.to_owned(), 1_500, 0);
    Node {
        name,
        path,
        kind,
        state,
        since_ms,
        restarts: 0,
        escalations,
        last_exit: None,
        load: None,
        children,
    }
}

fn with(mut node: Node, load: Load) -> Node {
    node.load = Some(load);
    node
}

fn page() -> String {
    let busy = Load {
        queued: 1,
        capacity: 2,
        bytes: 3,
        capacity_bytes: 4,
        oldest_ms: 5_500,
        in_flight: 6,
        accepted: 7,
        refused: 8,
        dropped: 9,
        expired: 10,
        handled: 11,
        dead_lettered: 12,
        rate_in: 1.5,
        rate_out: 2.5,
        p50_ms: 250.0,
        p99_ms: 750.0,
    };
    let mut get = with(node("a\"b/apis/Get", Vec::new()), busy);
    (get.state, get.restarts) = (State::Restarting, 3);
    let session = |number: u32, queued: usize, oldest_ms: u64| {
        let load = Load { queued, oldest_ms, in_flight: 1, ..Load::default() };
        with(node(&format!("a\"b/sockets/Chat/session-{number}"), Vec::new()), load)
    };
    let chat = node("a\"b/sockets/Chat", vec![session(1, 2, 10), session(2, 3, 2_000)]);
    let quiet = node("a\"b/sockets/Quiet", Vec::new());
    let sockets = node("a\"b/sockets", vec![chat, quiet]);
    let mut apis = node("a\"b/apis", vec![get]);
    apis.escalations = 4;
    let root = node("a\"b", vec![apis, sockets]);
    let telemetry = Telemetry::default();
    telemetry.calls("api Get").start().stop(true);
    telemetry.render(Some(&root))
}

#[test]
fn all_of_a_load_and_of_the_tree_is_on_the_page() {
    let page = page();
    let get = r#"{actor="a\"b/apis/Get"}"#;
    for (name, value) in [
        ("rohas_actor_up", "0"),
        ("rohas_actor_restarts_total", "3"),
        ("rohas_mailbox_queued", "1"),
        ("rohas_mailbox_capacity", "2"),
        ("rohas_mailbox_queued_bytes", "3"),
        ("rohas_mailbox_capacity_bytes", "4"),
        ("rohas_mailbox_oldest_seconds", "5.5"),
        ("rohas_mailbox_in_flight", "6"),
        ("rohas_mailbox_accepted_total", "7"),
        ("rohas_mailbox_refused_total", "8"),
        ("rohas_mailbox_dropped_total", "9"),
        ("rohas_mailbox_expired_total", "10"),
        ("rohas_mailbox_handled_total", "11"),
        ("rohas_mailbox_dead_lettered_total", "12"),
        ("rohas_mailbox_accepted_per_second", "1.5"),
        ("rohas_mailbox_handled_per_second", "2.5"),
        ("rohas_mailbox_p50_seconds", "0.25"),
        ("rohas_mailbox_p99_seconds", "0.75"),
    ] {
        let line = format!("{name}{get} {value}");
        assert!(page.lines().any(|known| known == line), "{line} is not in\n{page}");
    }
    for line in [
        r#"rohas_actor_state{actor="a\"b/apis/Get",state="restarting"} 1"#,
        r#"rohas_actor_state{actor="a\"b",state="running"} 1"#,
        r#"rohas_actor_up{actor="a\"b/sockets/Chat"} 1"#,
        r#"rohas_actor_in_state_seconds{actor="a\"b"} 1.5"#,
        r#"rohas_supervisor_escalations_total{actor="a\"b/apis"} 4"#,
        r#"rohas_supervisor_escalations_total{actor="a\"b"} 0"#,
        r#"rohas_websocket_sessions{endpoint="Chat"} 2"#,
        r#"rohas_websocket_sessions{endpoint="Quiet"} 0"#,
        r#"rohas_websocket_queued{endpoint="Chat"} 5"#,
        r#"rohas_websocket_queued{endpoint="Quiet"} 0"#,
        r#"rohas_websocket_in_flight{endpoint="Chat"} 2"#,
        r#"rohas_websocket_oldest_seconds{endpoint="Chat"} 2"#,
        r#"rohas_calls_total{handler="api Get",outcome="ok"} 1"#,
    ] {
        assert!(page.lines().any(|known| known == line), "{line} is not in\n{page}");
    }
    assert!(
        !page.contains(r#"escalations_total{actor="a\"b/apis/Get"}"#),
        "a worker has no children:\n{page}"
    );
    assert!(!page.contains("session-1"), "a session has a series of its own:\n{page}");
}

#[test]
fn every_family_stands_together_under_its_help_and_type() {
    let page = page();
    let (mut families, mut current, mut series) = (BTreeSet::new(), String::new(), BTreeSet::new());
    let mut helped = String::new();
    for line in page.lines().filter(|line| !line.is_empty()) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            helped = help.split_once(' ').unwrap().0.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, helped, "{name} has no help");
            assert!(families.insert(name.to_owned()), "{name} is there twice");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
            current = name.to_owned();
        } else {
            assert!(line.starts_with(&current), "{line} is not under its family");
            assert!(series.insert(line.rsplit_once(' ').unwrap().0.to_owned()), "{line} is there twice");
        }
    }
    assert!(families.len() > 20, "{families:?}");
}

#[test]
fn before_the_start_there_are_the_counters_only() {
    let telemetry = Telemetry::default();
    telemetry.dead_letters("event work").increment(2);
    let page = telemetry.render(None);
    assert!(page.contains(r#"rohas_dead_letters_total{handler="event work"} 2"#), "{page}");
    assert!(!page.contains("rohas_actor"), "{page}");
}
