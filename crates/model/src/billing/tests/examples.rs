//! Worked examples: the costs of soft-deleted HSMs, purged HSMs and deleted keys.

use super::*;
use crate::key::{Curve, KeyType};
use crate::name::VersionId;
use crate::retention::{Deletion, RetentionDays};

const CREATED: &str = "2027-01-01T00:00:00Z";
/// Day 3 of the HSM's lifetime.
const DELETED: &str = "2027-01-04T00:00:00Z";
/// Day 93: 90 days later.
const DUE: &str = "2027-04-04T00:00:00Z";

fn year() -> Period {
    Period::new(at(CREATED), at("2028-01-01T00:00:00Z")).unwrap()
}

fn payroll(end: &[(&str, Phase)]) -> Facts {
    let mut phases = vec![(at(CREATED), Phase::Running)];
    phases.extend(end.iter().map(|(when, phase)| (at(when), *phase)));
    Facts { lifetimes: vec![life(1, "payroll", &phases)], ..Facts::default() }
}

fn amounts(statement: &Statement) -> Vec<(Phase, String, String)> {
    let line = |line: &StatementLine| (line.phase, line.quantity.to_string(), line.amount.to_string());
    statement.lines.iter().map(line).collect()
}

#[test]
fn deleted_hsm_is_billed_until_scheduled_purge() {
    let facts = payroll(&[(DELETED, Phase::Deleted), (DUE, Phase::Purged)]);
    let all = bill(&facts, "hsm", Some("payroll"), year(), Timestamp::MAX);
    assert_eq!(
        amounts(&all),
        [(Phase::Running, "72".into(), "230.4".into()), (Phase::Deleted, "2160".into(), "6912".into()),]
    );
    assert_eq!((all.total, all.soft_deleted), (decimal("7142.4"), decimal("6912")));
    assert_eq!(
        all.lines[1].why,
        "payroll was soft-deleted from 2027-01-04 00:00:00Z to 2027-04-04 00:00:00Z: it keeps its hardware, \
         and costs what a running one costs, until it is purged."
    );
    let last_hour = Period::new(at("2027-04-03T23:00:00Z"), at(DUE)).unwrap();
    assert_eq!(bill(&facts, "hsm", None, last_hour, Timestamp::MAX).total, decimal("3.2"));
    let after = Period::new(at(DUE), at("2028-01-01T00:00:00Z")).unwrap();
    assert_eq!(bill(&facts, "hsm", None, after, Timestamp::MAX).lines, []);
}

#[test]
fn purged_hsm_is_billed_until_purge() {
    let facts = payroll(&[(DELETED, Phase::Deleted), ("2027-01-11T00:00:00Z", Phase::Purged)]);
    let all = bill(&facts, "hsm", None, year(), Timestamp::MAX);
    assert_eq!(all.total, decimal("768"), "240 hours");
    assert_eq!(all.soft_deleted, decimal("537.6"), "168 hours");
}

#[test]
fn recovered_hsm_has_one_line_per_phase() {
    let facts = payroll(&[
        ("2027-01-04T00:30:00Z", Phase::Deleted),
        ("2027-01-04T12:45:00Z", Phase::Running),
        ("2027-01-05T00:00:00Z", Phase::Deleted),
    ]);
    let until = at("2027-01-05T06:00:00Z");
    let all = bill(&facts, "hsm", None, year(), until);
    assert_eq!(
        amounts(&all),
        [(Phase::Running, "83.75".into(), "268".into()), (Phase::Deleted, "18.25".into(), "58.4".into())]
    );
    assert!(all.lines[1].why.contains("12:45:00Z, from 2027-01-05 00:00:00Z to 2027-01-05 06:00:00Z"));
    assert_eq!(all.until, until);
}

#[test]
fn partial_hours_are_billed_exactly() {
    let facts = payroll(&[("2027-01-01T00:00:01Z", Phase::Purged)]);
    let all = bill(&facts, "hsm", None, year(), Timestamp::MAX);
    assert_eq!(amounts(&all), [(Phase::Running, "0.0002777778".into(), "0.0008888889".into())]);
}

fn used(key: &str, version: u8, key_type: KeyType, days: &[&str]) -> VersionUse {
    VersionUse {
        container: "payroll".parse().unwrap(),
        key: key.parse().unwrap(),
        version: VersionId::from_bytes([version; 16]),
        key_type,
        days: days.iter().map(|day| day_of(at(&format!("{day}T00:00:00Z")))).collect(),
    }
}

const EC: KeyType = KeyType::Ec { curve: Curve::P256 };

#[test]
fn key_is_charged_until_thirty_days_after_last_use() {
    // The last use is on January 2, so January 31 is the last day that counts.
    let mut facts = payroll(&[]);
    facts.uses = vec![used("invoices", 1, EC, &["2027-01-02"])];
    let month = |from: &str, to: &str| {
        let period = Period::new(at(&format!("{from}T00:00:00Z")), at(&format!("{to}T00:00:00Z"))).unwrap();
        bill(&facts, "vault", None, period, Timestamp::MAX)
    };
    assert_eq!(month("2027-01-01", "2027-02-01").total, decimal("5"));
    assert_eq!(month("2027-02-01", "2027-03-01").lines, []);
    // The charge is attributed to the day of use only.
    assert_eq!(month("2027-01-02", "2027-01-03").total, decimal("5"));
    assert_eq!(month("2027-01-03", "2027-02-01").lines, []);
    assert_eq!(
        month("2027-01-01", "2027-02-01").lines[0].why,
        "A version of invoices was used on 2027-01-02, in the 30 days that end with 2027-01-02: it is charged once a month."
    );
    // With a last use one day later, February 1 counts.
    facts.uses = vec![used("invoices", 1, EC, &["2027-01-03"])];
    let february = Period::new(at("2027-02-01T00:00:00Z"), at("2027-03-01T00:00:00Z")).unwrap();
    let again = bill(&facts, "vault", None, february, Timestamp::MAX);
    assert_eq!(again.total, decimal("5"));
    // Nothing is charged before the month begins.
    assert_eq!(bill(&facts, "vault", None, february, at("2027-01-31T23:59:59Z")).lines, []);
}

#[test]
fn key_versions_are_tiered_by_day_of_charge() {
    let mut facts = payroll(&[]);
    let rsa = KeyType::Rsa { bits: 2048 };
    facts.uses = vec![
        used("a", 1, EC, &["2027-01-05"]),
        used("b", 2, EC, &["2027-01-04"]),
        used("a", 3, EC, &["2027-01-06"]),
        used("a", 4, EC, &["2027-01-07", "2027-01-08"]),
        used("c", 5, EC, &["2027-01-09"]),
        used("c", 6, rsa, &["2027-01-09"]),
    ];
    let january = Period::new(at("2027-01-01T00:00:00Z"), at("2027-02-01T00:00:00Z")).unwrap();
    let all = bill(&facts, "vault", None, january, Timestamp::MAX);
    let line = |line: &StatementLine| {
        let class = match line.meter {
            LineMeter::KeyVersions(class) => class.as_str(),
            _ => "",
        };
        (line.resource(), class, line.tier, line.quantity.to_string(), line.amount.to_string())
    };
    let resource = |key: &str| format!("hsms/payroll/keys/{key}");
    assert_eq!(
        all.lines.iter().map(line).collect::<Vec<_>>(),
        [
            (resource("c"), "rsa-2048", 1, "1".into(), "5".into()),
            (resource("a"), "advanced", 1, "1".into(), "5".into()),
            (resource("a"), "advanced", 2, "2".into(), "5".into()),
            (resource("b"), "advanced", 1, "1".into(), "5".into()),
            (resource("c"), "advanced", 3, "1".into(), "0.4".into()),
        ]
    );
}

#[test]
fn hsm_plan_counts_operations_free_of_charge() {
    let mut facts = payroll(&[]);
    facts.readings = vec![MeterReading {
        container: Some("PAYROLL".parse().unwrap()),
        event: "KeySign".into(),
        meter: crate::audit_entry::Meter::Advanced,
        hour: at("2027-01-01T05:00:00Z").as_second(),
        calls: 12_000,
    }];
    let day = Period::new(at("2027-01-01T00:00:00Z"), at("2027-01-02T00:00:00Z")).unwrap();
    let free = bill(&facts, "hsm", None, day, Timestamp::MAX);
    assert_eq!(free.lines.len(), 2);
    assert_eq!((free.lines[1].quantity, free.total), (decimal("12000"), decimal("76.8")));
    assert!(free.lines[1].why.ends_with("hsm does not charge for operations."), "{}", free.lines[1].why);
    let vault = bill(&facts, "vault", None, day, Timestamp::MAX);
    assert_eq!(vault.total, decimal("0.042"), "500 at 0.15 and 11,500 at 0.03 for 10,000");
}

#[test]
fn reused_name_is_another_lifetime() {
    let mut facts = payroll(&[("2027-01-02T00:00:00Z", Phase::Purged)]);
    facts.lifetimes.push(life(2, "Payroll", &[(at("2027-01-03T00:00:00Z"), Phase::Running)]));
    let all = bill(&facts, "hsm", Some("payroll"), year(), at("2027-01-04T00:00:00Z"));
    assert_eq!(all.lines.iter().map(|line| line.lifetime_id.as_u128()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(all.total, decimal("153.6"));
}

fn forecast_at(
    facts: &Facts,
    plan: &str,
    deletion: Option<Deletion>,
    protected: bool,
    now: &str,
) -> Forecast {
    let sheet = sheet();
    let standing = DeletionState { deletion, retention: RetentionDays::DEFAULT, protected };
    forecast(facts, &sheet, plans(&sheet, plan), &facts.lifetimes[0], standing, at(now))
}

#[test]
fn forecast_of_deleted_hsm_has_cost_and_saving() {
    let deletion = Some(Deletion { deleted_at: at(DELETED), scheduled_purge_at: at(DUE) });
    let facts = payroll(&[(DELETED, Phase::Deleted)]);
    let now = "2027-01-11T12:00:00Z";
    let left = forecast_at(&facts, "hsm", deletion, false, now);
    assert_eq!((left.cost, left.saving), (decimal("6336"), Some(decimal("6336"))), "82.5 days");
    assert_eq!((left.per_day, left.period.to), (decimal("76.8"), at(DUE)));
    assert_eq!(
        left.why,
        "payroll is soft-deleted and costs 76.80 USD a day until it is purged. Left alone it is purged at \
         2027-04-04 00:00:00Z, and costs 6,336.00 USD until then; purging it now saves 6,336.00 USD."
    );
    let protected = forecast_at(&facts, "hsm", deletion, true, now);
    assert!(protected.protected && protected.why.ends_with("nobody can purge it before."));
    // The actual cost equals the forecast.
    let facts = payroll(&[(DELETED, Phase::Deleted), (DUE, Phase::Purged)]);
    let rest = Period::new(at(now), at("2027-12-31T00:00:00Z")).unwrap();
    assert_eq!(bill(&facts, "hsm", None, rest, Timestamp::MAX).total, left.cost);
}

#[test]
fn forecast_of_running_hsm_covers_thirty_days() {
    let running = forecast_at(&payroll(&[]), "hsm", None, false, "2027-01-11T12:00:00Z");
    assert_eq!((running.cost, running.saving), (decimal("2304"), None));
    assert!(running.why.contains("Deleting it does not end that"), "{}", running.why);
}

#[test]
fn vault_plan_has_no_saving_from_purge() {
    let mut facts = payroll(&[(DELETED, Phase::Deleted)]);
    facts.uses = vec![used("invoices", 1, EC, &["2027-01-03"])];
    let deletion = Some(Deletion { deleted_at: at(DELETED), scheduled_purge_at: at(DUE) });
    let left = forecast_at(&facts, "vault", deletion, false, "2027-01-11T12:00:00Z");
    assert_eq!((left.cost, left.saving), (decimal("5"), Some(Decimal::ZERO)), "once more, in February");
}

#[test]
fn budget_is_reached_once_per_month() {
    let scope = format!("/subscriptions/{}", scope(None).subscription).parse().unwrap();
    let mut budget = Budget {
        name: "monthly".parse().unwrap(),
        scope,
        amount: decimal("3.20"),
        created: at(CREATED),
        reached: None,
    };
    let sheet = sheet();
    let next = |budget: &Budget, facts: &Facts, now: &str| {
        budget.next_reached(facts, &sheet, plans(&sheet, "hsm"), at(now))
    };
    let running = payroll(&[]);
    let first = next(&budget, &running, CREATED).unwrap();
    assert_eq!((first.month, first.at), (at(CREATED), at("2027-01-01T01:00:00Z")));
    budget.reached = Some(first);
    let second = next(&budget, &running, "2027-01-20T00:00:00Z").unwrap();
    assert_eq!(second.at, at("2027-02-01T01:00:00Z"));
    // A month that passed while the service was down is still reported.
    assert_eq!(next(&budget, &running, "2027-05-20T00:00:00Z"), Some(second));
    // A soft-deleted HSM costs the same; a purged one costs nothing.
    let deleted = payroll(&[(DELETED, Phase::Deleted)]);
    assert_eq!(next(&budget, &deleted, "2027-01-20T00:00:00Z"), Some(second));
    let purged = payroll(&[(DELETED, Phase::Deleted), ("2027-01-31T00:00:00Z", Phase::Purged)]);
    assert_eq!(next(&budget, &purged, "2027-02-20T00:00:00Z"), None);
    // The amount is reached in the last hour of a month of 31 days, so not in February but in March.
    budget.amount = decimal("2377.6");
    assert_eq!(next(&budget, &running, "2027-01-20T00:00:00Z").unwrap().at, at("2027-03-31T23:00:00Z"));
    budget.amount = decimal("2380.8");
    let whole = next(&budget, &running, "2027-01-20T00:00:00Z").unwrap();
    assert_eq!((whole.month, whole.at), (at("2027-03-01T00:00:00Z"), at("2027-04-01T00:00:00Z")));
    budget.amount = decimal("2380.81");
    assert_eq!(next(&budget, &running, "2027-01-20T00:00:00Z"), None);
}
