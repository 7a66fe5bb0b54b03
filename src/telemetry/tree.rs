//! The tree in Prometheus' text format: one family after the other, an actor per line.
//!
//! Called for each scrape with what the tree says now. Written straight from the snapshot: actors that are gone leave
//! no series behind. Sessions come and go without end, so an endpoint sums them up instead.

use std::borrow::Cow;
use std::fmt::Write;

use crate::supervision::{Kind, Load, Node, State};

/// One family of an actor or its mailbox.
struct Family<T> {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    read: fn(&T) -> f64,
}

const fn gauge<T>(name: &'static str, help: &'static str, read: fn(&T) -> f64) -> Family<T> {
    Family { name, kind: "gauge", help, read }
}

const fn counter<T>(name: &'static str, help: &'static str, read: fn(&T) -> f64) -> Family<T> {
    Family { name, kind: "counter", help, read }
}

const ACTORS: [Family<Node>; 3] = [
    gauge("rohas_actor_up", "Whether the actor is running.", |node| {
        f64::from(u8::from(matches!(node.state, State::Running | State::Idle)))
    }),
    gauge(
        "rohas_actor_in_state_seconds",
        "For how long the actor has been in its state; of one that runs, its uptime.",
        |node| node.since_ms as f64 / 1e3,
    ),
    counter("rohas_actor_restarts_total", "How often the actor was restarted.", |node| node.restarts as f64),
];

const SUPERVISORS: [Family<Node>; 1] = [counter(
    "rohas_supervisor_escalations_total",
    "How often the supervisor gave up because its children failed too often.",
    |node| node.escalations as f64,
)];

const MAILBOXES: [Family<Load>; 16] = [
    gauge("rohas_mailbox_queued", "Messages waiting.", |load| load.queued as f64),
    gauge("rohas_mailbox_capacity", "How many messages may wait.", |load| load.capacity as f64),
    gauge("rohas_mailbox_queued_bytes", "Bytes waiting.", |load| load.bytes as f64),
    gauge("rohas_mailbox_capacity_bytes", "How many bytes may wait.", |load| load.capacity_bytes as f64),
    gauge("rohas_mailbox_oldest_seconds", "How long the oldest message has been waiting.", |load| {
        load.oldest_ms as f64 / 1e3
    }),
    gauge("rohas_mailbox_in_flight", "Messages being handled.", |load| load.in_flight as f64),
    counter("rohas_mailbox_accepted_total", "Messages taken in.", |load| load.accepted as f64),
    counter("rohas_mailbox_refused_total", "Messages refused because the mailbox was full.", |load| {
        load.refused as f64
    }),
    counter("rohas_mailbox_dropped_total", "Messages dropped to make room for newer ones.", |load| {
        load.dropped as f64
    }),
    counter("rohas_mailbox_expired_total", "Messages whose deadline passed while they waited.", |load| {
        load.expired as f64
    }),
    counter("rohas_mailbox_handled_total", "Messages handled, well or badly.", |load| load.handled as f64),
    counter("rohas_mailbox_dead_lettered_total", "Messages given up.", |load| load.dead_lettered as f64),
    gauge("rohas_mailbox_accepted_per_second", "Messages taken in per second, over the last ten.", |load| {
        load.rate_in
    }),
    gauge("rohas_mailbox_handled_per_second", "Messages handled per second, over the last ten.", |load| {
        load.rate_out
    }),
    gauge("rohas_mailbox_p50_seconds", "Half of the messages were handled in this time or less.", |load| {
        load.p50_ms / 1e3
    }),
    gauge("rohas_mailbox_p99_seconds", "Of 100 messages, 99 were handled in this time or less.", |load| {
        load.p99_ms / 1e3
    }),
];

const SESSIONS: [Family<Node>; 4] = [
    gauge("rohas_websocket_sessions", "Sessions that are open.", |endpoint| endpoint.children.len() as f64),
    gauge("rohas_websocket_queued", "Messages waiting in all sessions.", |endpoint| {
        loads(endpoint).map(|load| load.queued as f64).sum::<f64>() + 0.0
    }),
    gauge("rohas_websocket_in_flight", "Messages being handled in all sessions.", |endpoint| {
        loads(endpoint).map(|load| load.in_flight as f64).sum::<f64>() + 0.0
    }),
    gauge(
        "rohas_websocket_oldest_seconds",
        "How long the oldest message of all sessions has been waiting.",
        |endpoint| loads(endpoint).map(|load| load.oldest_ms as f64 / 1e3).fold(0.0, f64::max),
    ),
];

fn loads(endpoint: &Node) -> impl Iterator<Item = Load> {
    endpoint.children.iter().filter_map(|session| session.load)
}

/// Renders the tree below `root`.
pub fn render(root: &Node) -> String {
    let mut actors = Vec::new();
    let mut endpoints = Vec::new();
    collect(root, 0, &mut actors, &mut endpoints);
    let mut page = String::with_capacity(actors.len() * 1024);
    for Family { name, kind, help, read } in &ACTORS {
        let lines = actors.iter().map(|(label, node)| (label.as_str(), read(node)));
        family(&mut page, (name, kind, help), "actor", lines);
    }
    for Family { name, kind, help, read } in &SUPERVISORS {
        let supervisors = actors.iter().filter(|(_, node)| node.kind == Kind::Supervisor);
        family(
            &mut page,
            (name, kind, help),
            "actor",
            supervisors.map(|(label, node)| (label.as_str(), read(node))),
        );
    }
    states(&mut page, &actors);
    for Family { name, kind, help, read } in &MAILBOXES {
        let loads = actors.iter().filter_map(|(label, node)| node.load.as_ref().map(|load| (label, load)));
        family(
            &mut page,
            (name, kind, help),
            "actor",
            loads.map(|(label, load)| (label.as_str(), read(load))),
        );
    }
    for Family { name, kind, help, read } in &SESSIONS {
        let lines = endpoints.iter().map(|(label, node)| (label.as_str(), read(node)));
        family(&mut page, (name, kind, help), "endpoint", lines);
    }
    page
}

/// Actors with their labels, and endpoints with theirs.
type Labelled<'t> = Vec<(String, &'t Node)>;

fn collect<'t>(node: &'t Node, depth: usize, actors: &mut Labelled<'t>, endpoints: &mut Labelled<'t>) {
    actors.push((escaped(&node.path).into_owned(), node));
    let below_sockets = depth == 2 && node.path.split('/').nth(1) == Some("sockets");
    if below_sockets {
        endpoints.push((escaped(&node.name).into_owned(), node));
        return; // the sessions
    }
    node.children.iter().for_each(|child| collect(child, depth + 1, actors, endpoints));
}

/// Writes one family, unless it has no line.
fn family<'l>(
    page: &mut String,
    (name, kind, help): (&str, &str, &str),
    label: &str,
    lines: impl Iterator<Item = (&'l str, f64)>,
) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    write_head(page, name, kind, help);
    for (value, number) in lines {
        writeln!(page, "{name}{{{label}=\"{value}\"}} {number}").expect("a String takes everything");
    }
    page.push('\n');
}

/// A series per actor, with the state it is in: the others have none.
fn states(page: &mut String, actors: &Labelled<'_>) {
    const NAME: &str = "rohas_actor_state";
    write_head(page, NAME, "gauge", "1 for the state that the actor is in; its other states have no series.");
    for (actor, node) in actors {
        // As in the JSON of the tree.
        let state = serde_json::to_value(node.state).expect("a state is a word");
        let state = state.as_str().map_or(Cow::Borrowed("unknown"), escaped);
        writeln!(page, "{NAME}{{actor=\"{actor}\",state=\"{state}\"}} 1").expect("a String takes everything");
    }
    page.push('\n');
}

fn write_head(page: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a String takes everything");
}

/// Escapes the value of a label.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', '"', '\n']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
