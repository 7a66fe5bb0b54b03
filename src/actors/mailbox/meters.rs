//! How fast messages come and go, and how long they take: counters that cost a few nanoseconds and no timer.
//!
//! Written and read by the mailbox under its lock, which hands the time in. Allocated with the first message.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The length of the window in seconds.
const WINDOW: usize = 10;

/// Buckets per doubling of the time: a quantile is right within a fifth.
const PER_OCTAVE: u32 = 4;

/// From 64 ns to more than an hour, in nanoseconds.
const SMALLEST_BITS: u32 = 6;
const BUCKETS: usize = 144;

/// Counts of the last ten seconds, by second.
#[derive(Default)]
pub(super) struct Window {
    /// The second that `counts` goes up to.
    now: u64,
    counts: [u32; WINDOW],
}

impl Window {
    pub(super) fn add(&mut self, millis: u64) {
        let second = millis / 1000;
        self.advance(second);
        let count = &mut self.counts[second as usize % WINDOW];
        *count = count.saturating_add(1);
    }

    /// Returns the mean per second.
    pub(super) fn rate(&mut self, millis: u64) -> f64 {
        self.advance(millis / 1000);
        self.counts.iter().map(|count| f64::from(*count)).sum::<f64>() / WINDOW as f64
    }

    fn advance(&mut self, second: u64) {
        if second <= self.now {
            return;
        }
        for passed in (self.now + 1..=second).rev().take(WINDOW) {
            self.counts[passed as usize % WINDOW] = 0;
        }
        self.now = second;
    }
}

/// Times in buckets whose widths grow with the time. Old ones fade: at 65,535 in one bucket all are halved.
pub(super) struct Histogram([u16; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Histogram([0; BUCKETS])
    }
}

impl Histogram {
    pub(super) fn record(&mut self, time: Duration) {
        let bucket = bucket(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        if self.0[bucket] == u16::MAX {
            self.0.iter_mut().for_each(|count| *count /= 2);
        }
        self.0[bucket] += 1;
    }

    /// Returns the time in milliseconds that `share` of all times do not exceed; 0 without any.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let total: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let wanted = ((total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (number, count) in self.0.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return upper_bound(number) / 1e6;
            }
        }
        0.0
    }
}

/// The octave from the leading bit, the place in it from the two bits after.
fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(1 << SMALLEST_BITS);
    let octave = nanos.ilog2();
    let within = (nanos >> (octave - 2)) & u64::from(PER_OCTAVE - 1);
    let number = u64::from((octave - SMALLEST_BITS) * PER_OCTAVE) + within;
    usize::try_from(number).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The nanoseconds at which the bucket ends.
fn upper_bound(bucket: usize) -> f64 {
    let octave = bucket as u32 / PER_OCTAVE + SMALLEST_BITS;
    let within = bucket as u32 % PER_OCTAVE;
    2f64.powi(octave as i32) * (1.0 + f64::from(within + 1) / f64::from(PER_OCTAVE))
}

/// All meters of one mailbox.
#[derive(Default)]
pub(super) struct Meters {
    pub(super) arrived: Window,
    pub(super) handled: Window,
    pub(super) times: Histogram,
}

/// Reads a clock that is a few milliseconds coarse and costs a tenth of the exact one; milliseconds since some point.
#[cfg(target_os = "linux")]
pub(super) fn coarse_millis() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer, and the clock exists on every Linux since 2.6.32.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

/// Reads the clock; milliseconds since the first call.
#[cfg(not(target_os = "linux"))]
pub(super) fn coarse_millis() -> u64 {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed().as_millis() as u64
}

/// How far off a deadline is that needs no exact clock yet: more than the coarse one can be wrong by.
const FAR: Duration = Duration::from_millis(50);

/// Tells that `deadline` is far off; reads the coarse clock only.
pub(super) fn is_far(deadline: Instant) -> bool {
    static ORIGIN: LazyLock<(Instant, u64)> = LazyLock::new(|| (Instant::now(), coarse_millis()));
    let (origin, millis) = *ORIGIN;
    origin + Duration::from_millis(coarse_millis().saturating_sub(millis)) + FAR < deadline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_forgets_what_is_older_than_ten_seconds() {
        let mut window = Window::default();
        (0..30).for_each(|_| window.add(1_000_500));
        (0..10).for_each(|_| window.add(1_004_000));
        for (millis, rate) in [(1_004_999, 4.0), (1_009_999, 4.0), (1_010_000, 1.0), (1_014_000, 0.0)] {
            assert_eq!(window.rate(millis), rate, "at {millis}");
        }
        window.add(9_000_000);
        assert_eq!(window.rate(9_000_000), 0.1);
    }

    #[test]
    fn a_deadline_is_far_or_near_to_the_exact_clock() {
        for millis in [0, 1, 10, 20] {
            assert!(!is_far(Instant::now() + Duration::from_millis(millis)), "{millis}");
        }
        assert!(is_far(Instant::now() + Duration::from_secs(20)));
    }

    #[test]
    fn quantiles_are_right_within_a_quarter() {
        assert_eq!(Histogram::default().quantile(0.5), 0.0);
        let mut histogram = Histogram::default();
        for micros in 1..=100_000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (share, millis) in [(0.5, 50.0), (0.99, 99.0), (0.1, 10.0)] {
            let found = histogram.quantile(share);
            assert!(found >= millis * 0.99 && found <= millis * 1.27, "{share}: {found}");
        }
        for extreme in [Duration::ZERO, Duration::MAX, Duration::from_nanos(1)] {
            histogram.record(extreme);
        }
    }

    #[test]
    fn every_time_lies_within_its_bucket() {
        for shift in SMALLEST_BITS..41 {
            for nanos in [1u64 << shift, (1 << shift) + 1, (1 << shift) * 7 / 4, (2 << shift) - 1] {
                let end = upper_bound(bucket(nanos));
                assert!((nanos as f64) < end && end <= nanos as f64 * 1.26, "{nanos} {end}");
            }
        }
    }
}
