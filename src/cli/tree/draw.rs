//! A tree of actors as lines: box lines, aligned columns, no wider than the terminal. Pure; called by `rohas tree`.
//!
//! ```text
//!  Actor ─▶ rows (prefix, cells) ─▶ which columns fit ─▶ lines
//! ```

use unicode_width::UnicodeWidthStr;

use crate::cli::tree::actor::{Actor, Sums};
use crate::cli::tree::text::{cut, duration, grouped, plain, rate};

/// How many of a folded branch are shown nevertheless.
const SHOWN: usize = 20;

/// The narrowest that texts are cut to.
const NARROW: usize = 12;

/// The columns, in their order. Of a terminal that is too narrow they leave in the order of `leaves`.
const COLUMNS: [(&str, Align, Option<u8>); 10] = [
    ("ACTOR", Align::Left, None),
    ("STATE", Align::Left, None),
    ("RESTARTS", Align::Right, Some(7)),
    ("QUEUED", Align::Right, Some(6)),
    ("OLDEST", Align::Right, Some(2)),
    ("IN FLIGHT", Align::Right, Some(4)),
    ("RATE", Align::Right, Some(1)),
    ("P50", Align::Right, Some(0)),
    ("P99", Align::Right, Some(3)),
    ("LAST REASON", Align::Left, Some(5)),
];

const ACTOR: usize = 0;
const STATE: usize = 1;
const RESTARTS: usize = 2;
const QUEUED: usize = 3;
const REASON: usize = 9;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

/// What is drawn on.
pub struct Canvas {
    /// The columns of the terminal; without, lines are as long as they get.
    pub width: Option<usize>,
    /// Whether it takes colours.
    pub colour: bool,
    /// More than so many actors beside each other are folded.
    pub folded: usize,
}

struct Row {
    cells: [String; COLUMNS.len()],
    colours: [Option<&'static str>; COLUMNS.len()],
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

impl Canvas {
    /// Draws `actor` and what is below it.
    pub fn draw(&self, actor: &Actor) -> Vec<String> {
        let head =
            Row { cells: COLUMNS.map(|(name, ..)| name.to_owned()), colours: [Some(BOLD); COLUMNS.len()] };
        let mut rows = vec![head];
        self.rows(actor, ("", ""), &mut rows);
        let widths = self.widths(&rows);
        rows.iter().map(|row| self.line(row, &widths)).collect()
    }

    /// Adds the rows of `actor`, whose own line begins with the first prefix, and those below with the second.
    fn rows(&self, actor: &Actor, (own, below): (&str, &str), rows: &mut Vec<Row>) {
        rows.push(row(actor, own));
        let shown = self.unfolded(&actor.children);
        let folded = actor.children.len() - shown.len();
        for (place, child) in shown.iter().enumerate() {
            let last = place + 1 == shown.len() && folded == 0;
            let (branch, further) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
            self.rows(child, (&format!("{below}{branch}"), &format!("{below}{further}")), rows);
        }
        if folded > 0 {
            let is_shown = |child: &Actor| shown.iter().any(|shown| std::ptr::eq(*shown, child));
            rows.push(remainder(actor.children.iter().filter(|child| !is_shown(child)), below));
        }
    }

    /// Chooses who of a large branch is shown: those with trouble, then those who are busy, then the first.
    fn unfolded<'a>(&self, children: &'a [Actor]) -> Vec<&'a Actor> {
        if children.len() <= self.folded {
            return children.iter().collect();
        }
        let rank = |child: &Actor| match child {
            _ if child.any(&Actor::has_trouble) => 0,
            _ if child.any(&Actor::is_busy) => 1,
            _ => 2,
        };
        let mut ranked: Vec<(u8, usize)> =
            children.iter().enumerate().map(|(place, child)| (rank(child), place)).collect();
        ranked.sort_unstable();
        ranked.truncate(SHOWN);
        ranked.sort_unstable_by_key(|(_, place)| *place);
        ranked.into_iter().map(|(_, place)| &children[place]).collect()
    }

    /// Decides how wide each column is; 0 for one that is left out.
    fn widths(&self, rows: &[Row]) -> [usize; COLUMNS.len()] {
        let mut widths: [usize; COLUMNS.len()] = std::array::from_fn(|column| {
            rows.iter().map(|row| row.cells[column].width()).max().unwrap_or_default()
        });
        if rows.iter().skip(1).all(|row| row.cells[REASON].is_empty()) {
            widths[REASON] = 0;
        }
        let Some(width) = self.width else { return widths };
        let excess = |widths: &[usize]| total(widths).saturating_sub(width);
        let mut leaving: Vec<(u8, usize)> = (0..COLUMNS.len())
            .filter_map(|column| COLUMNS[column].2.map(|leaves| (leaves, column)))
            .collect();
        leaving.sort_unstable_by(|left, right| right.cmp(left));
        let mut natural = widths[REASON];
        loop {
            // The reasons take what room there is.
            widths[REASON] = natural;
            widths[REASON] = natural.saturating_sub(excess(&widths)).max(natural.min(NARROW));
            if excess(&widths) == 0 {
                return widths;
            }
            let Some((_, column)) = leaving.pop() else { break };
            widths[column] = 0;
            natural = if column == REASON { 0 } else { natural };
        }
        widths[ACTOR] = widths[ACTOR].saturating_sub(excess(&widths)).max(NARROW.min(widths[ACTOR]));
        widths
    }

    fn line(&self, row: &Row, widths: &[usize]) -> String {
        let mut line = String::new();
        let mut gap = 0;
        for (column, (_, align, _)) in COLUMNS.iter().enumerate().filter(|(column, _)| widths[*column] > 0) {
            let cell = cut(&row.cells[column], Some(widths[column]));
            let padding = widths[column] - cell.width();
            let before = if *align == Align::Right { padding } else { 0 };
            if !cell.is_empty() {
                line += &" ".repeat(gap + before);
                gap = 0;
                line += &self.paint(&cell, row.colours[column]);
            } else {
                gap += before;
            }
            gap += padding - before + 2;
        }
        // Unlike the columns, which may be wider than the terminal when it has no room for anything.
        if self.colour { line } else { cut(&line, self.width) }
    }

    fn paint(&self, text: &str, colour: Option<&str>) -> String {
        match colour.filter(|_| self.colour) {
            Some(colour) => format!("\x1b[{colour}m{text}\x1b[0m"),
            None => text.to_owned(),
        }
    }
}

fn total(widths: &[usize]) -> usize {
    let there = widths.iter().filter(|width| **width > 0);
    there.map(|width| width + 2).sum::<usize>().saturating_sub(2)
}

fn row(actor: &Actor, prefix: &str) -> Row {
    let number = |name: &str| actor.number(name);
    // A branch whose actors are too deep to be shown stands for them.
    let hidden = actor.hidden.as_ref();
    let summed = |name: &str, of: fn(&Sums) -> f64| number(name).or_else(|| hidden.map(of));
    let filled = |number: Option<f64>, write: &dyn Fn(f64) -> String| match number {
        None => String::new(),
        Some(0.0) => "-".to_owned(),
        Some(number) => write(number),
    };
    let queued = number("queued").map(|queued| match number("capacity") {
        Some(capacity) => format!("{}/{}", grouped(queued), grouped(capacity)),
        None => grouped(queued),
    });
    let queued = queued.unwrap_or_else(|| filled(hidden.map(|hidden| hidden.queued), &grouped));
    let cells = [
        format!("{prefix}{}{}", plain(&actor.name), hidden.map(below).unwrap_or_default()),
        plain(&actor.state),
        filled(Some((actor.restarts + hidden.map_or(0, |hidden| hidden.restarts)) as f64), &grouped),
        queued,
        filled(number("oldest_ms"), &duration),
        filled(summed("in_flight", |sums| sums.in_flight), &grouped),
        filled(summed("rate_out", |sums| sums.rate), &rate),
        filled(number("p50_ms"), &duration),
        filled(number("p99_ms"), &duration),
        actor.last_exit.as_deref().map(plain).unwrap_or_default(),
    ];
    let mut colours = [None; COLUMNS.len()];
    colours[STATE] = Some(match actor.state.as_str() {
        "running" => GREEN,
        "idle" => DIM,
        "stopped" => RED,
        _ => YELLOW,
    });
    colours[RESTARTS] = Some(if actor.restarts > 0 { YELLOW } else { DIM });
    let nearly_full = number("queued")
        .zip(number("capacity"))
        .is_some_and(|(queued, capacity)| queued > 0.0 && queued >= capacity * 0.8);
    colours[QUEUED] = nearly_full.then_some(RED);
    Row { cells, colours }
}

/// Says how many below an actor are not shown.
fn below(hidden: &Sums) -> String {
    let down = (hidden.actors - hidden.running) as f64;
    let down = if down > 0.0 { format!(", {} down", grouped(down)) } else { String::new() };
    format!(" (+{}{down})", grouped(hidden.actors as f64))
}

/// The line for those of a branch that are folded.
fn remainder<'a>(folded: impl Iterator<Item = &'a Actor>, prefix: &str) -> Row {
    let (mut count, mut sums) = (0, Sums::default());
    folded.for_each(|actor| {
        count += 1;
        actor.sum(&mut sums, true);
    });
    let mut cells = [const { String::new() }; COLUMNS.len()];
    let some =
        |number: f64, write: &dyn Fn(f64) -> String| if number > 0.0 { write(number) } else { String::new() };
    cells[ACTOR] = format!("{prefix}└── … {} more", grouped(f64::from(count)));
    let down = (sums.actors - sums.running) as f64;
    cells[STATE] = some(down, &|down| format!("{} down", grouped(down)));
    cells[RESTARTS] = some(sums.restarts as f64, &grouped);
    cells[QUEUED] = some(sums.queued, &grouped);
    cells[5] = some(sums.in_flight, &grouped);
    cells[6] = some(sums.rate, &rate);
    Row { cells, colours: [Some(DIM); COLUMNS.len()] }
}
