//! The formats of texts: `@format(…)` and the scalars that travel as text. Called by `validate`; pure predicates.

use std::net::{Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, NaiveDate};
use uuid::Uuid;

use super::model::Format;

/// Tells whether `text` has the format.
pub(super) fn has_format(format: Format, text: &str) -> bool {
    match format {
        Format::Email => is_email(text),
        Format::Uri => is_uri(text),
        Format::Uuid => is_uuid(text),
        Format::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
        Format::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
        Format::Hostname => is_hostname(text),
    }
}

/// Tells whether `text` is an RFC 3339 time.
pub(super) fn is_date_time(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok()
}

/// Tells whether `text` is a day of the calendar as `YYYY-MM-DD`.
pub(super) fn is_date(text: &str) -> bool {
    let dashes = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    dashes && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// Tells whether `text` is a UUID with hyphens.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// Tells whether `text` is a decimal number without exponent.
pub(super) fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    }
}

/// Returns the number of bytes that `text` stands for, if it is padded standard base64.
pub(super) fn base64_length(text: &str) -> Option<usize> {
    let content = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let fits = text.len().is_multiple_of(4) && content.bytes().all(alphabet);
    fits.then(|| content.len() * 3 / 4)
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let allowed = |c: char| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    (1..=64).contains(&local.len())
        && local.chars().all(allowed)
        && dots
        && domain.contains('.')
        && is_hostname(domain)
}

fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut bytes = scheme.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let scheme = starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let clean = rest.chars().all(|c| c.is_ascii_graphic() && !"<>\"{}|\\^`".contains(c));
    scheme && clean && !rest.is_empty() && rest != "//"
}
