//! Tests of the clock guard with simulated readings.

use super::*;

const DAY: i64 = 86_400;
const NOON: i64 = 1_800_000_000;

/// Returns a reading: wall clock in seconds after noon, and monotonic seconds.
fn at(wall: i64, monotonic: u64) -> ClockReading {
    let wall = Timestamp::from_second(NOON + wall).unwrap();
    ClockReading { wall, monotonic: Duration::from_secs(monotonic) }
}

fn shown(guard: &TimeGuard) -> i64 {
    guard.state().seen.as_second() - NOON
}

fn mark(guard: &TimeGuard) -> i64 {
    guard.state().mark.as_second() - NOON
}

fn stored(mark: i64) -> Option<GuardState> {
    let mark = at(mark, 0).wall;
    Some(GuardState { mark, seen: mark, hold: None })
}

fn held(guard: &TimeGuard) -> Option<Hold> {
    match guard.status() {
        ClockStatus::Held { hold, .. } => Some(hold),
        ClockStatus::Running | ClockStatus::Behind { .. } => None,
    }
}

/// Returns a guard that has run for an hour since noon.
fn running() -> TimeGuard {
    let mut guard = TimeGuard::new(TrustLimits::default(), None, at(0, 100));
    guard.observe(at(3600, 3700));
    assert_eq!(guard.status(), ClockStatus::Running);
    guard
}

#[test]
fn trusts_clock_that_matches_monotonic_time() {
    let mut guard = running();
    for hour in 2..5000 {
        guard.observe(at(hour * 3600, u64::try_from(hour).unwrap() * 3600 + 100));
        assert_eq!(guard.status(), ClockStatus::Running, "{hour}");
    }
    assert_eq!(guard.pending_changes(), []);
    assert_eq!(mark(&guard), shown(&guard));
}

#[test]
fn holds_and_shows_jump_beyond_limit() {
    for (ahead, is_held) in [(DAY, false), (DAY + 1, true), (91 * DAY, true)] {
        let mut guard = running();
        guard.observe(at(3601 + ahead, 3701));
        assert_eq!(held(&guard).is_some(), is_held, "{ahead}");
        assert_eq!(guard.status().check_trusted().is_err(), is_held);
        assert_eq!(shown(&guard), 3601 + ahead, "the wall clock is shown");
        assert_eq!(mark(&guard), if is_held { 3600 } else { 3601 + ahead });
    }
    let mut guard = running();
    guard.observe(at(91 * DAY, 3700));
    let hold = held(&guard).unwrap();
    assert_eq!(
        (hold.reason, hold.ahead.as_secs(), hold.since),
        (HoldReason::Jump, 91 * DAY - 3600, at(91 * DAY, 0).wall)
    );
    assert_eq!(guard.certain_time(), at(3600, 0).wall, "only accounted time is certain");
    assert_eq!(guard.pending_changes(), [ClockStatusChange::Held]);
}

#[test]
fn accumulated_small_steps_are_held() {
    let mut guard = running();
    for step in 1..=24 {
        guard.observe(at(3600 + step * 3600, 3700));
        assert_eq!(held(&guard), None, "{step}");
    }
    guard.observe(at(3600 + 25 * 3600, 3700));
    assert!(held(&guard).is_some());
}

#[test]
fn holds_after_suspend_without_monotonic_time() {
    let mut guard = running();
    guard.observe(at(3 * DAY, 3760));
    assert_eq!(held(&guard).map(|hold| hold.reason), Some(HoldReason::Jump));
}

#[test]
fn holds_only_downtime_beyond_limit() {
    let guard = TimeGuard::new(TrustLimits::default(), stored(0), at(DAY, 0));
    assert_eq!((guard.status(), mark(&guard)), (ClockStatus::Running, DAY));
    let guard = TimeGuard::new(TrustLimits::default(), stored(0), at(91 * DAY, 0));
    let hold = held(&guard).unwrap();
    assert_eq!((hold.reason, hold.ahead.as_secs()), (HoldReason::Stop, 91 * DAY));
    assert_eq!((mark(&guard), shown(&guard)), (0, 91 * DAY));

    let limits = TrustLimits { stop: SignedDuration::from_hours(24 * 100), ..TrustLimits::default() };
    let mut guard = TimeGuard::new(limits, stored(0), at(91 * DAY, 0));
    assert_eq!(guard.status(), ClockStatus::Running);
    // From here on monotonic time accounts for the clock.
    guard.observe(at(93 * DAY, 10));
    assert_eq!(held(&guard).map(|hold| hold.reason), Some(HoldReason::Jump));
}

#[test]
fn downtime_does_not_reduce_jump_limit() {
    let mut guard = TimeGuard::new(TrustLimits::default(), stored(0), at(DAY - 60, 0));
    guard.observe(at(DAY - 60 + DAY, 0));
    assert_eq!(guard.status(), ClockStatus::Running);
    guard.observe(at(DAY - 60 + DAY + 1, 0));
    assert!(held(&guard).is_some());
}

#[test]
fn correcting_the_clock_ends_hold() {
    let mut guard = running();
    guard.observe(at(91 * DAY, 3701));
    guard.observe(at(91 * DAY + 3600, 7301));
    assert_eq!(mark(&guard), 7201);
    guard.observe(at(7300, 7400));
    assert_eq!((guard.status(), shown(&guard), mark(&guard)), (ClockStatus::Running, 7300, 7300));
    assert_eq!(guard.pending_changes(), [ClockStatusChange::Held, ClockStatusChange::Corrected]);
    guard.acknowledge_changes(1);
    assert_eq!(guard.pending_changes(), [ClockStatusChange::Corrected]);
}

#[test]
fn hold_survives_restart_unless_clock_is_corrected() {
    let mut guard = running();
    guard.observe(at(91 * DAY, 3701));
    guard.observe(at(91 * DAY + 600, 4301));
    let state = guard.state();
    let again = TimeGuard::new(TrustLimits::default(), Some(state), at(91 * DAY + 900, 0));
    let (before, after) = (state.hold.unwrap(), held(&again).unwrap());
    assert_eq!((after.since, after.reason, after.proven), (before.since, before.reason, before.proven));
    assert_eq!(before.proven, Duration::from_secs(600));
    assert_eq!(again.pending_changes(), [], "the hold is not reported again");

    let jumped = TimeGuard::new(TrustLimits::default(), Some(state), at(200 * DAY, 0));
    assert_eq!(held(&jumped).unwrap().proven, Duration::ZERO, "another jump resets the proof");
    let right = TimeGuard::new(TrustLimits::default(), Some(state), at(5000, 0));
    assert_eq!(
        (right.status(), right.pending_changes()),
        (ClockStatus::Running, &[ClockStatusChange::Corrected][..])
    );
}

#[test]
fn steady_clock_is_trusted_after_proof_time() {
    let mut guard = running();
    guard.observe(at(91 * DAY, 3700));
    let week = 7 * DAY;
    for hour in 1..7 * 24 {
        guard.observe(at(91 * DAY + hour * 3600, 3700 + u64::try_from(hour).unwrap() * 3600));
        assert!(held(&guard).is_some(), "{hour}");
    }
    guard.observe(at(91 * DAY + week, 3700 + week.unsigned_abs()));
    assert_eq!((guard.status(), mark(&guard)), (ClockStatus::Running, 98 * DAY));
    assert_eq!(guard.pending_changes(), [ClockStatusChange::Held, ClockStatusChange::Proven]);
}

#[test]
fn another_jump_restarts_proof() {
    let mut guard = running();
    guard.observe(at(91 * DAY, 3700));
    guard.observe(at(97 * DAY, 3700 + 6 * 86_400));
    assert_eq!(held(&guard).unwrap().proven, Duration::from_secs(6 * 86_400));
    guard.observe(at(97 * DAY + 3600, 3701 + 6 * 86_400));
    assert_eq!(held(&guard).unwrap().proven, Duration::ZERO);
}

#[test]
fn shown_time_never_precedes_the_mark() {
    let mut guard = running();
    assert_eq!(guard.observe(at(1800, 3700)), at(3600, 0).wall);
    assert_eq!(guard.status(), ClockStatus::Behind { by: SignedDuration::from_secs(1800) });
    assert!(guard.status().check_trusted().is_err());
    assert_eq!(guard.certain_time(), at(1800, 0).wall);
    let mut last = shown(&guard);
    for minute in 1..=60 {
        guard.observe(at(1800 + minute * 60, 3700 + u64::try_from(minute).unwrap() * 60));
        assert!(shown(&guard) > last, "shown time advances");
        last = shown(&guard);
    }
    assert_eq!((guard.status(), last), (ClockStatus::Running, 1800 + 3600));
    assert_eq!(guard.pending_changes(), [ClockStatusChange::Behind, ClockStatusChange::CaughtUp]);

    let guard = TimeGuard::new(TrustLimits::default(), stored(400 * DAY), at(0, 0));
    assert_eq!((shown(&guard), mark(&guard)), (400 * DAY, 400 * DAY));
    assert_eq!(guard.status(), ClockStatus::Behind { by: SignedDuration::from_hours(24 * 400) });
}

#[test]
fn small_backward_step_is_not_reported() {
    let mut guard = running();
    let back = ClockReading { wall: at(3600, 0).wall - SignedDuration::from_millis(300), ..at(0, 3700) };
    guard.observe(back);
    assert!(matches!(guard.status(), ClockStatus::Behind { .. }) && guard.pending_changes().is_empty());
    guard.observe(at(3610, 3710));
    assert_eq!((guard.status(), guard.pending_changes()), (ClockStatus::Running, &[][..]));
}

#[test]
fn release_trusts_clock_ahead_or_behind() {
    let mut ahead = running();
    ahead.observe(at(91 * DAY, 3700));
    ahead.release(at(91 * DAY + 1, 3701));
    assert_eq!((ahead.status(), mark(&ahead)), (ClockStatus::Running, 91 * DAY + 1));
    ahead.observe(at(91 * DAY + 3600, 7300));
    assert_eq!(ahead.status(), ClockStatus::Running);

    let mut behind = TimeGuard::new(TrustLimits::default(), stored(400 * DAY), at(0, 0));
    behind.release(at(10, 10));
    assert_eq!((behind.status(), mark(&behind), shown(&behind)), (ClockStatus::Running, 10, 10));
}

#[test]
fn calendar_limits_do_not_panic() {
    let (least, most) = (Timestamp::MIN, Timestamp::MAX);
    let reading = |wall, seconds| ClockReading { wall, monotonic: Duration::from_secs(seconds) };
    for (first, second) in [(least, most), (most, least), (most, most), (least, least)] {
        let mut guard = TimeGuard::new(TrustLimits::default(), None, reading(first, 0));
        guard.observe(reading(second, u64::MAX));
        guard.observe(reading(first, 5));
        let again = TimeGuard::new(TrustLimits::default(), Some(guard.state()), reading(second, u64::MAX));
        assert!(again.certain_time() <= most);
    }
}
