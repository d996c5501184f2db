//! Worked examples of vaults: what a deleted vault costs, and statements of both kinds of container.

use super::*;
use crate::audit_entry::Meter;
use crate::key::{Curve, KeyType};
use crate::name::VersionId;
use crate::retention::{Deletion, RetentionDays};

const CREATED: &str = "2027-01-01T00:00:00Z";
const DELETED: &str = "2027-01-04T00:00:00Z";
const DUE: &str = "2027-04-04T00:00:00Z";

fn year() -> Period {
    Period::new(at(CREATED), at("2028-01-01T00:00:00Z")).unwrap()
}

/// Returns an HSM and a vault of the same name, created and deleted at the same times.
fn containers() -> Facts {
    let phases =
        [(at(CREATED), Phase::Running), (at(DELETED), Phase::Deleted), (at(DUE), Phase::Purged)].to_vec();
    let lifetimes = vec![life(1, "payroll", &phases), life(2, "vaults/payroll", &phases)];
    Facts { lifetimes, ..Facts::default() }
}

fn calls(container: &str, meter: Meter, hour: &str, calls: u64) -> MeterReading {
    MeterReading {
        container: Some(container.parse().unwrap()),
        event: "KeySign".into(),
        meter,
        hour: at(hour).as_second(),
        calls,
    }
}

fn used(container: &str, version: u8, day: &str) -> VersionUse {
    VersionUse {
        container: container.parse().unwrap(),
        key: "invoices".parse().unwrap(),
        version: VersionId::from_bytes([version; 16]),
        key_type: KeyType::Ec { curve: Curve::P256 },
        days: [day_of(at(day))].into_iter().collect(),
    }
}

fn amounts(statement: &Statement) -> Vec<(String, &str, Phase, String, String)> {
    let line = |line: &StatementLine| {
        let (meter, quantity) = (line.meter.name(), line.quantity.to_string());
        (line.resource(), meter, line.phase, quantity, line.amount.to_string())
    };
    statement.lines.iter().map(line).collect()
}

#[test]
fn deleted_vault_costs_nothing_and_deleted_hsm_does() {
    let facts = containers();
    let vault = bill(&facts, "hsm", Some("vaults/payroll"), year(), Timestamp::MAX);
    assert_eq!((vault.lines, vault.total, vault.plan.as_str()), (vec![], Decimal::ZERO, "vaults"));
    let hsm = bill(&facts, "hsm", Some("payroll"), year(), Timestamp::MAX);
    assert_eq!((hsm.total, hsm.soft_deleted), (decimal("7142.4"), decimal("6912")));
    assert_eq!(bill(&facts, "hsm", None, year(), Timestamp::MAX).total, hsm.total);
    // A plan with hours is one of managed HSMs: a vault has none.
    assert_eq!(bill(&facts, "all", Some("vaults/payroll"), year(), Timestamp::MAX).lines, []);
}

#[test]
fn each_container_is_charged_by_the_plan_of_its_kind() {
    let mut facts = containers();
    let hour = "2027-01-02T05:00:00Z";
    facts.readings = vec![
        calls("payroll", Meter::Advanced, hour, 1_000),
        calls("vaults/Payroll", Meter::Advanced, hour, 1_000),
        calls("vaults/payroll", Meter::Management, DELETED, 1),
        calls("vaults/payroll", Meter::Free, hour, 9),
    ];
    facts.uses = vec![used("payroll", 1, hour), used("vaults/payroll", 1, hour)];
    let all = bill(&facts, "hsm", None, year(), Timestamp::MAX);
    let of_hsm = |meter, phase, quantity: &str, amount: &str| {
        ("hsms/payroll".to_owned(), meter, phase, quantity.to_owned(), amount.to_owned())
    };
    let of_vault = |meter, phase, quantity: &str, amount: &str| {
        ("vaults/payroll".to_owned(), meter, phase, quantity.to_owned(), amount.to_owned())
    };
    let key = |amount: &str| {
        let resource = "vaults/payroll/keys/invoices".to_owned();
        (resource, "key-versions", Phase::Running, "1".to_owned(), amount.to_owned())
    };
    assert_eq!(
        amounts(&all),
        [
            of_hsm("pool-hours", Phase::Running, "72", "230.4"),
            of_hsm("pool-hours", Phase::Deleted, "2160", "6912"),
            of_hsm("operations", Phase::Running, "1000", "0"),
            of_vault("operations", Phase::Deleted, "1", "0.000015"),
            of_vault("operations", Phase::Running, "500", "0.0075"),
            of_vault("operations", Phase::Running, "500", "0.0015"),
            key("5"),
        ]
    );
    assert_eq!((all.plan.as_str(), all.total), ("hsm, vaults", decimal("7147.409015")));
    assert_eq!(all.soft_deleted, decimal("6912.000015"));
    assert!(all.lines[2].why.ends_with("hsm does not charge for operations."), "{}", all.lines[2].why);
    assert!(all.lines[3].why.contains("purges and recoveries"), "{}", all.lines[3].why);
    // Another plan of managed HSMs does not change what vaults cost, and their tiers are counted separately.
    let other = bill(&facts, "vault", None, year(), Timestamp::MAX);
    let of_vaults = |statement: &Statement| -> Vec<_> {
        statement.lines.iter().filter(|line| line.container.vault().is_some()).cloned().collect()
    };
    assert_eq!(of_vaults(&other), of_vaults(&all));
    assert_eq!(other.total, decimal("10.018015"), "both have the same operations and the same key version");
}

#[test]
fn usage_of_vaults_is_free_without_a_plan() {
    let mut facts = containers();
    facts.readings = vec![calls("vaults/payroll", Meter::Management, "2027-01-02T05:00:00Z", 7)];
    facts.uses = vec![used("vaults/payroll", 1, "2027-01-02T05:00:00Z")];
    let sheet = sheet();
    let plans = Plans { vault: None, ..plans(&sheet, "hsm") };
    let bill = statement(&facts, &sheet, plans, &scope(Some("vaults/payroll")), year(), Timestamp::MAX);
    assert_eq!((bill.lines.len(), bill.total, bill.plan.as_str()), (1, Decimal::ZERO, ""));
    assert!(bill.lines[0].why.ends_with("The price list has no plan for vaults."), "{}", bill.lines[0].why);
}

#[test]
fn forecast_of_deleted_vault_has_recently_used_key_versions_only() {
    let mut facts = containers();
    facts.lifetimes.iter_mut().for_each(|life| life.phases.truncate(2));
    facts.uses = vec![used("vaults/payroll", 1, "2027-01-03T00:00:00Z")];
    let deletion = Some(Deletion { deleted_at: at(DELETED), scheduled_purge_at: at(DUE) });
    let forecast_at = |deletion, protected, life: &ContainerLifetime| {
        let sheet = sheet();
        let state = DeletionState { deletion, retention: RetentionDays::DEFAULT, protected };
        forecast(&facts, &sheet, plans(&sheet, "hsm"), life, state, at("2027-01-11T12:00:00Z"))
    };
    let left = forecast_at(deletion, false, &facts.lifetimes[1]);
    assert_eq!((left.cost, left.saving), (decimal("5"), Some(Decimal::ZERO)), "once more, in February");
    assert_eq!((left.per_day, left.plan.as_str()), (Decimal::ZERO, "vaults"));
    assert_eq!(
        left.why,
        "payroll is soft-deleted, which costs nothing. Left alone it is purged at 2027-04-04 00:00:00Z. Until then, \
         key versions that were used in the last 30 days cost 5.00 USD; purging it now saves nothing."
    );
    let protected = forecast_at(deletion, true, &facts.lifetimes[1]);
    assert!(protected.why.ends_with("nobody can purge it before."), "{}", protected.why);
    let running = forecast_at(None, false, &facts.lifetimes[1]);
    assert!(running.why.starts_with("payroll costs 5.00 USD in 30 days"), "{}", running.why);
}

#[test]
fn budget_of_a_vault_is_reached_by_its_costs() {
    let scope = scope(None).subscription;
    let scope =
        format!("/subscriptions/{scope}/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/payroll");
    let mut budget = Budget {
        name: "monthly".parse().unwrap(),
        scope: scope.parse().unwrap(),
        amount: decimal("5"),
        created: at(CREATED),
        reached: None,
    };
    let mut facts = containers();
    facts.uses = vec![used("vaults/payroll", 1, "2027-01-02T00:00:00Z")];
    let sheet = sheet();
    let next = |budget: &Budget| {
        budget.next_reached(&facts, &sheet, plans(&sheet, "hsm"), at("2027-01-03T00:00:00Z"))
    };
    assert_eq!(next(&budget).unwrap().at, at("2027-01-02T00:00:00.000001Z"));
    budget.amount = decimal("5.01");
    assert_eq!(next(&budget), None, "the hours of the managed HSM of the same name are not in its scope");
}

#[test]
fn plan_of_a_name_replaces_that_of_its_kind() {
    let pricing = Pricing { prices: sheet(), plan: "hsm".into() };
    let names = |name| {
        let plans = pricing.plans(name).unwrap();
        (plans.managed_hsm.name.as_str(), plans.vault.unwrap().name.as_str())
    };
    assert_eq!(names(None), ("hsm", "vaults"));
    assert_eq!(names(Some("vault")), ("vault", "vaults"));
    assert_eq!(names(Some("vaults")), ("hsm", "vaults"));
    assert!(pricing.plans(Some("free")).is_err());
    let without = PriceSheet { plan: sheet().plan.into_iter().take(1).collect(), ..sheet() };
    assert_eq!(Pricing { prices: without, plan: "hsm".into() }.plans(None).unwrap().vault, None);
}
