//! Numbers without rounding: integers, floats and decimal texts against each other. Called by `validate` and
//! `attributes`; pure, and never turns anything into a float to compare it.

use std::cmp::Ordering;

use serde_json::Number;

/// The largest whole number up to which a float stands for one number only: 2^53 − 1.
const LAST_EXACT: f64 = 9_007_199_254_740_991.0;

/// Returns the 64-bit integer that a JSON number is. `1.0` and `1e3` are integers, as JSON Schema has it, up to
/// 2^53 − 1: beyond, a number with a fraction or an exponent may have lost digits on the way here.
pub(super) fn integer(number: &Number) -> Option<i64> {
    if let Some(integer) = number.as_i64() {
        return Some(integer);
    }
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && float.abs() <= LAST_EXACT).then_some(float as i64)
}

/// Compares two JSON numbers exactly.
pub(super) fn compare(left: &Number, right: &Number) -> Ordering {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(left), None) => whole_with_float(left, float(right)),
        (None, Some(right)) => whole_with_float(right, float(left)).reverse(),
        (None, None) => float(left).total_cmp(&float(right)),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// A number of JSON is finite, so that the total order is the usual one, but for the two zeros.
fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default() + 0.0
}

fn whole_with_float(whole: i128, float: f64) -> Ordering {
    // The conversion saturates, far beyond every 64-bit integer.
    let truncated = float.trunc() as i128;
    whole.cmp(&truncated).then_with(|| 0.0_f64.total_cmp(&(float.fract() + 0.0)))
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

/// Compares a decimal text, as [`is_decimal`] accepts it, with a number, digit by digit.
pub(super) fn compare_decimal(text: &str, bound: &Number) -> Ordering {
    let bound = plain(bound);
    let (left, right) = (Decimal::new(text), Decimal::new(&bound));
    match (left.negative, right.negative) {
        (false, false) => left.magnitude(&right),
        (true, true) => right.magnitude(&left),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// Tells whether `number` is what `text` says, to the last digit.
pub(super) fn is_exact(text: &str, number: &Number) -> bool {
    // What has an exponent was meant as a float.
    !is_decimal(text) || compare_decimal(text, number) == Ordering::Equal
}

/// Writes a number without exponent, which `Display` of a float never has, unlike that of a JSON number.
fn plain(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    }
}

/// The digits that count.
struct Decimal<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
}

impl<'t> Decimal<'t> {
    fn new(text: &'t str) -> Self {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Decimal { negative: unsigned.len() < text.len() && !zero, whole, fraction }
    }

    fn magnitude(&self, other: &Decimal<'_>) -> Ordering {
        let by_length = self.whole.len().cmp(&other.whole.len());
        by_length.then_with(|| self.whole.cmp(other.whole)).then_with(|| self.fraction.cmp(other.fraction))
    }
}

#[cfg(test)]
mod tests {
    use super::{Number, Ordering, compare, compare_decimal, integer};

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn integers_are_exact_or_none() {
        let table = [
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("1.0", Some(1)),
            ("-0.0", Some(0)),
            ("1e3", Some(1000)),
            ("9007199254740991.0", Some(9_007_199_254_740_991)),
            ("9007199254740993.0", None),
            ("1e300", None),
            ("0.5", None),
        ];
        for (text, expected) in table {
            assert_eq!(integer(&number(text)), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_exactly() {
        // In ascending order; every pair is compared both ways.
        let ascending = [
            "-1e300",
            "-9223372036854775808",
            "-9223372036854775807",
            "-1.5",
            "-1",
            "-0.5",
            "0",
            "5e-324",
            "0.1",
            "1",
            "1.5",
            "2",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "1e300",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(compare(&number(left), &number(right)), at.cmp(&other), "{left} {right}");
            }
        }
        assert_eq!(compare(&number("0"), &number("-0.0")), Ordering::Equal);
        assert_eq!(compare(&number("0.0"), &number("-0.0")), Ordering::Equal);
        assert_eq!(compare(&number("9007199254740992.0"), &number("9007199254740993")), Ordering::Less);
    }

    #[test]
    fn decimals_are_compared_digit_by_digit() {
        let table = [
            ("0.1", "0.1", Ordering::Equal),
            ("0.10000000000000000000001", "0.1", Ordering::Greater),
            ("0.09999999999999999999999", "0.1", Ordering::Less),
            ("-0.10000000000000000000001", "-0.1", Ordering::Less),
            ("00012.500", "12.5", Ordering::Equal),
            ("-0.00", "0", Ordering::Equal),
            ("9223372036854775808", "9223372036854775807", Ordering::Greater),
            ("100", "99.5", Ordering::Greater),
            ("-100", "99.5", Ordering::Less),
            ("1000000000000000000000", "1e21", Ordering::Equal),
            ("1000000000000000000001", "1e21", Ordering::Greater),
        ];
        for (text, bound, expected) in table {
            assert_eq!(compare_decimal(text, &number(bound)), expected, "{text} {bound}");
        }
    }
}
