//! Decisions by table, and the rate by random histories.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::{Strategy as Generator, prop};
use tokio::time::Instant;

use crate::supervision::{
    AutoShutdown, Backoff, Child, Decision, Exit, History, Policy, Restart, Strategy, decide,
};

fn failed() -> Exit {
    Exit::Failed("boom".to_owned())
}

fn shutdown() -> Exit {
    Exit::Shutdown("shutdown: enough".to_owned())
}

fn child(number: u64, restart: Restart) -> Child {
    Child { number, restart, significant: false, significant_siblings: false }
}

#[test]
fn the_decision_depends_on_restart_kind_exit_and_strategy() {
    let now = Instant::now();
    for strategy in [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll] {
        let again = Decision::Restart { strategy, at: now };
        let table = [
            (Restart::Permanent, failed(), again),
            (Restart::Permanent, Exit::Killed, again),
            (Restart::Permanent, Exit::Normal, again),
            (Restart::Permanent, shutdown(), again),
            (Restart::Transient, failed(), again),
            (Restart::Transient, Exit::Killed, again),
            (Restart::Transient, Exit::Normal, Decision::Forget),
            (Restart::Transient, shutdown(), Decision::Forget),
            (Restart::Temporary, failed(), Decision::Forget),
            (Restart::Temporary, Exit::Killed, Decision::Forget),
            (Restart::Temporary, Exit::Normal, Decision::Forget),
            (Restart::Temporary, shutdown(), Decision::Forget),
        ];
        for (restart, exit, expected) in table {
            let policy = Policy::new(strategy);
            let decision = decide(&policy, &History::default(), (child(1, restart), &exit), now, 0.5);
            assert_eq!(decision, expected, "{strategy:?} {restart:?} {exit:?}");
        }
    }
}

#[test]
fn the_end_of_significant_children_ends_the_supervisor_as_its_policy_says() {
    use AutoShutdown::{AllSignificant, AnySignificant, Never};
    let (yes, no) = (true, false);
    let now = Instant::now();
    // policy, significant, another significant child is alive, restart kind, exit
    let table = [
        (Never, no, no, Restart::Transient, Exit::Normal, Decision::Forget),
        (AnySignificant, no, no, Restart::Transient, Exit::Normal, Decision::Forget),
        (AnySignificant, yes, no, Restart::Transient, Exit::Normal, Decision::ShutDown),
        (AnySignificant, yes, yes, Restart::Transient, shutdown(), Decision::ShutDown),
        (AnySignificant, yes, yes, Restart::Temporary, failed(), Decision::ShutDown),
        (AllSignificant, no, no, Restart::Temporary, failed(), Decision::Forget),
        (AllSignificant, yes, yes, Restart::Temporary, failed(), Decision::Forget),
        (AllSignificant, yes, no, Restart::Temporary, failed(), Decision::ShutDown),
        (AllSignificant, yes, no, Restart::Transient, Exit::Normal, Decision::ShutDown),
    ];
    let policy = Policy::new(Strategy::OneForOne);
    for (auto_shutdown, significant, significant_siblings, restart, exit, expected) in table {
        let policy = Policy { auto_shutdown, ..policy };
        let child = Child { number: 0, restart, significant, significant_siblings };
        let decision = decide(&policy, &History::default(), (child, &exit), now, 0.5);
        assert_eq!(decision, expected, "{auto_shutdown:?} {child:?} {exit:?}");
    }
    let policy = Policy { auto_shutdown: AnySignificant, ..policy };
    let child = Child { significant: true, ..child(0, Restart::Transient) };
    let decision = decide(&policy, &History::default(), (child, &failed()), now, 0.5);
    assert!(matches!(decision, Decision::Restart { .. }), "a restart is no end: {decision:?}");
}

#[test]
fn one_restart_more_than_the_intensity_escalates_until_the_period_is_over() {
    let policy = Policy { intensity: 2, period: Duration::from_secs(5), ..Policy::new(Strategy::OneForOne) };
    let child = child(0, Restart::Permanent);
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut history = History::default();
    for second in [0, 1] {
        let decision = decide(&policy, &history, (child, &failed()), at(second), 0.0);
        assert!(matches!(decision, Decision::Restart { .. }));
        history.record(0, at(second), at(second), policy.rate);
    }
    assert_eq!(decide(&policy, &history, (child, &failed()), at(5), 0.0), Decision::Escalate);
    assert!(matches!(decide(&policy, &history, (child, &failed()), at(6), 0.0), Decision::Restart { .. }));
    assert!(matches!(decide(&policy, &history, (child, &failed()), at(7), 0.0), Decision::Restart { .. }));
    history.prune(policy.period, at(7));
    assert_eq!((history.recent(policy.period, at(7)), history.recent_of(0, policy.period, at(7))), (0, 0));
    assert_eq!(
        decide(&Policy { intensity: 0, ..policy }, &History::default(), (child, &failed()), start, 0.0),
        Decision::Escalate
    );
}

#[test]
fn the_backoff_doubles_with_full_jitter_and_is_per_child() {
    let backoff = Backoff { first: Duration::from_millis(10), max: Duration::from_millis(70) };
    let ceilings: Vec<u128> = (0..6).map(|recent| backoff.delay(recent, 1.0).as_millis()).collect();
    assert_eq!(ceilings, [0, 10, 20, 40, 70, 70]);
    assert_eq!(backoff.delay(3, 0.25), Duration::from_millis(10));
    assert_eq!(backoff.delay(u32::MAX, 1.0), Duration::from_millis(70));
    assert_eq!(Backoff::NONE.delay(9, 1.0), Duration::ZERO);

    let now = Instant::now();
    let policy = Policy { intensity: 100, backoff, ..Policy::new(Strategy::OneForOne) };
    let mut history = History::default();
    (0..3).for_each(|_| history.record(0, now, now, policy.rate));
    let after =
        |number| match decide(&policy, &history, (child(number, Restart::Permanent), &failed()), now, 1.0) {
            Decision::Restart { at, .. } => at - now,
            other => panic!("{other:?}"),
        };
    assert_eq!(after(0), Duration::from_millis(40));
    assert_eq!(after(1), Duration::ZERO);
}

#[test]
fn a_restart_over_the_rate_waits_for_the_first_free_instant() {
    let rate = NonZeroU32::new(2);
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut history = History::default();
    // wanted at, granted at
    let table = [(0, 0), (0, 0), (0, 1_000), (300, 1_000), (5_000, 5_000), (4_500, 4_500), (4_600, 5_500)];
    for (wanted, granted) in table {
        let earliest = history.earliest(rate, at(wanted));
        assert_eq!(earliest - start, at(granted) - start, "wanted at {wanted} ms");
        history.record(0, start, earliest, rate);
    }
    assert_eq!(history.earliest(None, start), start, "no rate, no wait");
}

/// Waits in milliseconds between failures, and the backoff of each.
fn failures() -> impl Generator<Value = Vec<(u64, u64)>> {
    prop::collection::vec((0_u64..400, 0_u64..1_500), 1..150)
}

proptest::proptest! {
    #[test]
    fn no_second_ever_holds_more_restarts_than_the_rate(rate in 1_u32..8, failures in failures()) {
        let rate = NonZeroU32::new(rate).expect("it starts at one");
        let policy = Policy { rate: Some(rate), intensity: u32::MAX, ..Policy::new(Strategy::OneForOne) };
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let fits = |all: &[Instant]| all.windows(rate.get() as usize + 1).all(|w| w[w.len() - 1] - w[0] >= second);
        let mut history = History::default();
        let mut now = start;
        let mut all: Vec<Instant> = Vec::new();
        for (wait, backoff) in failures {
            now += Duration::from_millis(wait);
            history.prune(policy.period, now);
            let from = now + Duration::from_millis(backoff);
            let at = history.earliest(policy.rate, from);
            proptest::prop_assert!(at >= from);
            // It is the earliest: the wanted instant, and every one at which an older window ends, is too full.
            let ends = all.iter().map(|other| *other + second).chain([from]);
            for candidate in ends.filter(|candidate| (from..at).contains(candidate)) {
                let mut with: Vec<Instant> = all.iter().copied().chain([candidate]).collect();
                with.sort();
                proptest::prop_assert!(!fits(&with), "{:?} was free before {:?}", candidate - start, at - start);
            }
            history.record(0, now, at, policy.rate);
            all.push(at);
            all.sort();
            proptest::prop_assert!(fits(&all));
        }
    }
}
