//! Property tests of statements: parts add up, order does not matter, closed periods do not change.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::audit_entry::Meter;
use crate::key::{Curve, KeyType};
use crate::name::VersionId;

const START: i64 = 1_798_761_600; // 2027-01-01
const DAY: i64 = 86_400;
/// The range of generated facts, in days.
const RANGE_DAYS: i64 = 75;

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(START * 1_000_000 + micros).unwrap()
}

fn day(days: i64) -> Timestamp {
    Timestamp::from_second(START + days * DAY).unwrap()
}

/// Containers as stored; a vault may have the name of an HSM.
const NAMES: [&str; 4] = ["payroll", "Ledger", "archive", "vaults/payroll"];

fn any_lifetime(index: usize) -> impl Strategy<Value = ContainerLifetime> {
    let steps = prop::collection::vec(0..RANGE_DAYS * DAY * 1_000_000, 1..6);
    (steps, any::<bool>()).prop_map(move |(mut steps, purged)| {
        steps.sort_unstable();
        let last = steps.len() - 1;
        let phase = |(step, micros): (usize, i64)| {
            let phase = match step {
                step if step == last && step > 0 && purged => Phase::Purged,
                step if step % 2 == 0 => Phase::Running,
                _ => Phase::Deleted,
            };
            (instant(micros), phase)
        };
        let phases: Vec<_> = steps.into_iter().enumerate().map(phase).collect();
        life(index as u128 + 1, NAMES[index], &phases)
    })
}

fn any_reading() -> impl Strategy<Value = MeterReading> {
    let meter = prop::sample::select(Meter::ALL.to_vec());
    let event = prop::sample::select(vec!["KeySign", "KeyGet"]);
    (0..5_usize, event, meter, 0..RANGE_DAYS * 24, 1..400_u64).prop_map(|(hsm, event, meter, hour, calls)| {
        MeterReading {
            container: NAMES.get(hsm).map(|name| name.parse().unwrap()),
            event: event.into(),
            meter,
            hour: START + hour * 3_600,
            calls,
        }
    })
}

fn any_use() -> impl Strategy<Value = (usize, usize, bool, Vec<i64>)> {
    (0..4_usize, 0..3_usize, any::<bool>(), prop::collection::vec(0..RANGE_DAYS, 1..5))
}

fn facts() -> impl Strategy<Value = Facts> {
    let lives = (any_lifetime(0), any_lifetime(1), any_lifetime(2), any_lifetime(3));
    let lives = lives.prop_map(|(a, b, c, d)| vec![a, b, c, d]);
    let readings = prop::collection::vec(any_reading(), 0..40);
    let uses = prop::collection::vec(any_use(), 0..12);
    (lives, readings, uses).prop_map(|(lives, mut readings, uses)| {
        // The store has at most one reading for each container, event, meter and hour.
        readings.sort();
        readings.dedup_by(|a, b| {
            (&a.container, &a.event, a.meter, a.hour) == (&b.container, &b.event, b.meter, b.hour)
        });
        let version = |(index, (hsm, key, rsa, days)): (usize, (usize, usize, bool, Vec<i64>))| VersionUse {
            container: NAMES[hsm].parse().unwrap(),
            key: ["a", "b", "c"][key].parse().unwrap(),
            version: VersionId::from_bytes([index as u8; 16]),
            key_type: if rsa { KeyType::Rsa { bits: 2048 } } else { KeyType::Ec { curve: Curve::P384 } },
            days: days.into_iter().map(|days| day_of(day(days))).collect(),
        };
        Facts { lifetimes: lives, readings, uses: uses.into_iter().enumerate().map(version).collect() }
    })
}

type Sums = BTreeMap<String, (Decimal, Decimal)>;

/// Returns quantity and amount of each line, summed over statements.
fn sums<'a>(statements: impl IntoIterator<Item = &'a Statement>) -> Sums {
    let mut sums = Sums::new();
    for line in statements.into_iter().flat_map(|statement| &statement.lines) {
        let line_key = format!(
            "{} {:?} {:?} {:?} tier {} at {}",
            line.lifetime_id, line.meter, line.phase, line.key, line.tier, line.unit_price
        );
        let sum = sums.entry(line_key).or_default();
        *sum = (sum.0 + line.quantity, sum.1 + line.amount);
    }
    sums
}

fn period(from: i64, to: i64) -> Period {
    Period::new(day(from), day(to)).unwrap()
}

/// Returns the facts that are known at an instant.
fn known_at(facts: &Facts, now: Timestamp) -> Facts {
    let mut facts = facts.clone();
    for life in &mut facts.lifetimes {
        life.phases.retain(|(at, _)| *at < now);
    }
    facts.lifetimes.retain(|life| !life.phases.is_empty());
    facts.readings.retain(|reading| Timestamp::from_second(reading.hour).unwrap() < now);
    for used in &mut facts.uses {
        used.days = used.days.iter().filter(|day| start_of_day(*day) < now).collect();
    }
    facts.uses.retain(|used| used.days.first().is_some());
    facts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn days_add_up_to_their_month(facts in facts(), month in 0..3_usize) {
        let (from, to) = [(0, 31), (31, 59), (59, 90)][month];
        let whole = bill(&facts, "all", None, period(from, to), Timestamp::MAX);
        let days: Vec<_> = period(from, to).days().map(|day| bill(&facts, "all", None, day, Timestamp::MAX)).collect();
        prop_assert_eq!(sums([&whole]), sums(&days));
        prop_assert_eq!(whole.total, days.iter().map(|day| day.total).sum::<Decimal>());
        prop_assert_eq!(whole.soft_deleted, days.iter().map(|day| day.soft_deleted).sum::<Decimal>());
    }

    #[test]
    fn adjacent_periods_add_up(facts in facts(), cuts in prop::collection::btree_set(1..90 * DAY * 1_000_000, 0..5)) {
        let whole = bill(&facts, "all", None, period(0, 90), day(80));
        let cuts: Vec<_> = [0].into_iter().chain(cuts).chain([90 * DAY * 1_000_000]).collect();
        let part = |cut: &[i64]| Period::new(instant(cut[0]), instant(cut[1])).unwrap();
        let parts: Vec<_> = cuts.windows(2).map(|cut| bill(&facts, "all", None, part(cut), day(80))).collect();
        prop_assert_eq!(sums([&whole]), sums(&parts));
    }

    #[test]
    fn containers_add_up_to_their_subscription(facts in facts()) {
        let whole = bill(&facts, "all", None, period(0, 90), Timestamp::MAX);
        let parts = NAMES.map(|name| bill(&facts, "all", Some(name), period(0, 90), Timestamp::MAX));
        prop_assert_eq!(sums([&whole]), sums(&parts));
        let elsewhere = CostScope { resource_group: Some("other".into()), ..scope(None) };
        let sheet = sheet();
        let nothing = statement(&facts, &sheet, plans(&sheet, "all"), &elsewhere, period(0, 90), Timestamp::MAX);
        prop_assert_eq!(nothing.lines, []);
    }

    #[test]
    fn order_of_facts_does_not_matter(facts in facts(), seed in any::<u64>()) {
        let mut mixed = facts.clone();
        let mix = |index: usize| (index as u64 + 1).wrapping_mul(seed | 1).rotate_left(17);
        let readings: BTreeMap<_, _> = mixed.readings.drain(..).enumerate().map(|(i, r)| ((mix(i), i), r)).collect();
        let uses: BTreeMap<_, _> = mixed.uses.drain(..).enumerate().map(|(i, u)| ((mix(i), i), u)).collect();
        mixed.readings = readings.into_values().collect();
        mixed.uses = uses.into_values().collect();
        mixed.lifetimes.rotate_left(1);
        prop_assert_eq!(
            bill(&facts, "all", None, period(0, 90), Timestamp::MAX),
            bill(&mixed, "all", None, period(0, 90), Timestamp::MAX)
        );
    }

    #[test]
    fn closed_periods_do_not_change(facts in facts(), now in 31..RANGE_DAYS) {
        let then = bill(&known_at(&facts, day(31)), "all", None, period(0, 31), day(31));
        let later = bill(&known_at(&facts, day(now)), "all", None, period(0, 31), day(now));
        prop_assert_eq!(format!("{then:?}"), format!("{later:?}"));
    }

    #[test]
    fn cost_grows_with_time_and_use(facts in facts(), to in 1..89_i64, now in 1..89_i64) {
        let cost = |facts: &Facts, to, now| bill(facts, "all", None, period(0, to), day(now)).total;
        prop_assert!(cost(&facts, to, now) <= cost(&facts, to + 1, now));
        prop_assert!(cost(&facts, to, now) <= cost(&facts, to, now + 1));
        let mut fewer = facts.clone();
        fewer.readings.pop();
        prop_assert!(cost(&fewer, to, now) <= cost(&facts, to, now));
        fewer.uses.pop();
        prop_assert!(cost(&fewer, to, now) <= cost(&facts, to, now));
    }

    #[test]
    fn billed_hours_match_lifetime(facts in facts()) {
        let all = bill(&facts, "hsm", None, period(0, 90), Timestamp::MAX);
        let lived = |life: &ContainerLifetime| {
            let end = life.phases.iter().find(|(_, phase)| *phase == Phase::Purged).map_or(day(90), |(at, _)| *at);
            (end.as_microsecond() - life.phases[0].0.as_microsecond()) as f64 / 3.6e9
        };
        let hsms = facts.lifetimes.iter().filter(|life| life.container.managed_hsm().is_some());
        let hours: f64 = hsms.map(lived).sum();
        let billed: Decimal = all.lines.iter().filter(|line| line.meter == LineMeter::PoolHours).map(|line| line.quantity).sum();
        prop_assert!((hours - f64::try_from(billed).unwrap()).abs() < 1e-6);
    }
}
