//! The formats of texts: `@format(…)` and the scalars that travel as text. Called by `validate`; pure predicates.
//!
//! Each accepts what the format of that name in JSON Schema accepts, or a part of it that is said here, so that what
//! passes our check passes everybody's.

use std::net::{Ipv4Addr, Ipv6Addr};

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

/// Tells whether `text` is a `date-time` of RFC 3339: letters in either case, any number of digits in a fraction,
/// second 60 only where a leap second can be, which is the last of a day in UTC. There is no year 0000: neither Python
/// nor SQL can hold it.
pub(super) fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.as_bytes().split_at_checked(10) else {
        return false;
    };
    is_full_date(date) && is_full_time(time)
}

/// Tells whether `text` is a day of the calendar as `YYYY-MM-DD`, from year 0001 on.
pub(super) fn is_date(text: &str) -> bool {
    is_full_date(text.as_bytes())
}

/// Tells whether `text` is a UUID with hyphens, in either case.
pub(super) fn is_uuid(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// Returns the number of bytes that `text` stands for, if it is the one way to write them in padded standard base64.
pub(super) fn base64_length(text: &str) -> Option<usize> {
    let content = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text).as_bytes();
    let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'+' || *byte == b'/';
    // Of the last digit before padding only the upper bits count; the others are zero.
    let zeros: &[u8] = match text.len() - content.len() {
        0 => {
            return (text.len().is_multiple_of(4) && content.iter().all(alphabet))
                .then_some(text.len() / 4 * 3);
        }
        1 => b"AEIMQUYcgkosw048",
        _ => b"AQgw",
    };
    let last = content.last().is_some_and(|last| zeros.contains(last));
    (text.len().is_multiple_of(4) && last && content.iter().all(alphabet)).then_some(content.len() * 3 / 4)
}

/// Reads two digits.
fn two(bytes: &[u8]) -> Option<u32> {
    match bytes {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
        }
        _ => None,
    }
}

fn is_full_date(bytes: &[u8]) -> bool {
    let [c1, c2, y1, y2, b'-', m1, m2, b'-', d1, d2] = bytes else {
        return false;
    };
    let (Some(century), Some(year)) = (two(&[*c1, *c2]), two(&[*y1, *y2])) else {
        return false;
    };
    let (Some(month), Some(day)) = (two(&[*m1, *m2]), two(&[*d1, *d2])) else {
        return false;
    };
    let leap = if year == 0 { century % 4 == 0 } else { year % 4 == 0 };
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    };
    (century, year) != (0, 0) && (1..=days).contains(&day)
}

/// `T12:34:56.789+01:00`
fn is_full_time(bytes: &[u8]) -> bool {
    let [b'T' | b't', clock @ ..] = bytes else {
        return false;
    };
    let Some(([h1, h2, b':', m1, m2, b':', s1, s2], rest)) = clock.split_first_chunk::<8>() else {
        return false;
    };
    let (Some(hour), Some(minute), Some(second)) = (two(&[*h1, *h2]), two(&[*m1, *m2]), two(&[*s1, *s2]))
    else {
        return false;
    };
    let Some(offset) = fraction(rest).and_then(offset) else {
        return false;
    };
    let utc = (hour as i32 * 60 + minute as i32 - offset).rem_euclid(24 * 60);
    hour < 24 && minute < 60 && (second < 60 || second == 60 && utc == 24 * 60 - 1)
}

/// Returns what follows an optional fraction, none if a point has no digits behind it.
fn fraction(bytes: &[u8]) -> Option<&[u8]> {
    let [b'.', rest @ ..] = bytes else {
        return Some(bytes);
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| &rest[digits..])
}

/// Reads an offset from UTC in minutes.
fn offset(bytes: &[u8]) -> Option<i32> {
    let (sign, hours, minutes) = match bytes {
        [b'Z' | b'z'] => return Some(0),
        [b'+', h1, h2, b':', m1, m2] => (1, two(&[*h1, *h2])?, two(&[*m1, *m2])?),
        [b'-', h1, h2, b':', m1, m2] => (-1, two(&[*h1, *h2])?, two(&[*m1, *m2])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours as i32 * 60 + minutes as i32))
}

/// An address as people have one: an unquoted local part and a host name with a dot. RFC 5321 also knows quoted local
/// parts, hosts without a dot and addresses in brackets.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    (1..=64).contains(&local.len())
        && text.len() <= 254
        && local.bytes().all(allowed)
        && dots
        && domain.contains('.')
        && is_hostname(domain)
}

/// A name as in RFC 1123, in ASCII. Unlike JSON Schema it does not decode what stands behind `xn--`: hosts with two
/// hyphens there exist.
fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// RFC 3986, with a scheme.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match hierarchy.strip_prefix("//") {
        Some(authority) => authority.split_at(authority.find('/').unwrap_or(authority.len())),
        None => ("", hierarchy),
    };
    let mut letters = scheme.bytes();
    let starts = letters.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    starts
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && is_authority(authority)
        && has_only(path, b":@/")
        && has_only(query, b":@/?")
        && has_only(fragment, b":@/?")
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let (host, port) = match host.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((address, "")) => return has_only(user, b":") && is_ip_literal(address),
            Some((address, rest)) if is_ip_literal(address) => match rest.strip_prefix(':') {
                Some(port) => ("", port),
                None => return false,
            },
            _ => return false,
        },
        None => host.split_once(':').unwrap_or((host, "")),
    };
    has_only(user, b":") && has_only(host, b"") && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// What stands between brackets: an IPv6 address, or one of the future as `v1.x`.
fn is_ip_literal(text: &str) -> bool {
    let future = || {
        let (version, address) = text.strip_prefix(['v', 'V'])?.split_once('.')?;
        let version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(version && !address.is_empty() && !address.contains('%') && has_only(address, b":"))
    };
    text.parse::<Ipv6Addr>().is_ok() || future().unwrap_or(false)
}

/// Tells whether `text` is made of unreserved characters, sub-delimiters, percent-encoded bytes, and `more`.
fn has_only(text: &str, more: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                [bytes.next(), bytes.next()].iter().flatten().filter(|hex| hex.is_ascii_hexdigit()).count()
                    == 2
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || more.contains(&byte),
        };
        if !fits {
            return false;
        }
    }
    true
}
