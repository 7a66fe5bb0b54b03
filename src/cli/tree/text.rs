//! Numbers and texts as cells of a table. Pure; called by what `rohas tree` prints.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Writes a count with a comma for every thousand.
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut written = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 && !written.ends_with('-') {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// Writes milliseconds in the unit that fits.
pub fn duration(milliseconds: f64) -> String {
    let seconds = (milliseconds / 1e3).round() as u64;
    match milliseconds {
        ..0.9995 => format!("{:.0}µs", milliseconds * 1e3),
        ..9.95 => format!("{milliseconds:.1}ms"),
        ..999.5 => format!("{milliseconds:.0}ms"),
        ..59_950.0 => format!("{:.1}s", milliseconds / 1e3),
        ..3_599_500.0 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Writes how often something happens.
pub fn rate(per_second: f64) -> String {
    match per_second {
        ..9.95 => format!("{per_second:.1}/s"),
        ..9_999.5 => format!("{}/s", grouped(per_second)),
        _ => format!("{:.1}k/s", per_second / 1e3),
    }
}

/// Takes what moves the cursor or colours things out of a text of somebody else, and makes one line of it.
pub fn plain(text: &str) -> String {
    let spaced: String = text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Shortens a text to `width` columns, with a sign that something is missing.
pub fn cut(text: &str, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| text.width() > *width) else { return text.to_owned() };
    let mut room = width.saturating_sub(1);
    let fits = |sign: &char| {
        let wide = sign.width().unwrap_or_default();
        let fits = wide <= room;
        room = if fits { room - wide } else { 0 };
        fits
    };
    let mut short: String = text.chars().take_while(fits).collect();
    if width > 0 {
        short.push('…');
    }
    short
}
