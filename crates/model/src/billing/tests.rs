//! Tests of statements, forecasts and budgets: worked examples and properties.

mod examples;
mod properties;
mod vaults;

use jiff::civil::Date;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::Timestamp;
use crate::container_id::ContainerKind;
use crate::lifetime::{ContainerLifetime, Phase};
use crate::resource::SubscriptionId;

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn life(id: u128, name: &str, phases: &[(Timestamp, Phase)]) -> ContainerLifetime {
    ContainerLifetime {
        id: Uuid::from_u128(id),
        container: name.parse().unwrap(),
        subscription: SubscriptionId(Uuid::from_u128(7)),
        resource_group: "dev".into(),
        location: "here".into(),
        sku: "Standard_B1".into(),
        phases: phases.to_vec(),
    }
}

/// Returns the scope of a container, given as stored, or of the subscription.
fn scope(container: Option<&str>) -> CostScope {
    CostScope {
        subscription: SubscriptionId(Uuid::from_u128(7)),
        resource_group: None,
        container: container.map(|stored| stored.parse().unwrap()),
    }
}

fn source() -> PriceSource {
    PriceSource { text: "a test".into(), date: Date::constant(2026, 11, 20), assumption: false }
}

/// A price list: hours at 3.20, operations in two tiers, key versions in three. The plan `vaults` prices vaults.
fn sheet() -> PriceSheet {
    let tier = |up_to, price: &str| Tier { up_to, price: decimal(price) };
    let operations = |class| OperationPrice {
        class,
        per: 10_000,
        tiers: vec![tier(Some(500), "0.15"), tier(None, "0.03")],
        source: source(),
    };
    let versions = |class| KeyVersionPrice {
        class,
        tiers: vec![tier(Some(2), "5"), tier(Some(4), "2.5"), tier(None, "0.4")],
        source: source(),
    };
    let hours = PoolHourPrice { sku: "*".into(), location: None, price: decimal("3.20"), source: source() };
    let plan = |name: &str| Plan {
        name: name.into(),
        title: name.into(),
        container: ContainerKind::ManagedHsm,
        pool_hours: Vec::new(),
        operations: Vec::new(),
        key_versions: Vec::new(),
    };
    use crate::audit_entry::Meter::{Advanced, Cryptographic, Management};
    PriceSheet {
        title: "test".into(),
        currency: "USD".into(),
        plan: vec![
            Plan { pool_hours: vec![hours.clone()], ..plan("hsm") },
            Plan {
                operations: [Management, Cryptographic, Advanced].map(operations).to_vec(),
                key_versions: [KeyClass::Rsa2048, KeyClass::Advanced].map(versions).to_vec(),
                ..plan("vault")
            },
            Plan {
                pool_hours: vec![hours],
                operations: [Management, Cryptographic, Advanced].map(operations).to_vec(),
                key_versions: [KeyClass::Rsa2048, KeyClass::Advanced].map(versions).to_vec(),
                ..plan("all")
            },
            Plan {
                container: ContainerKind::Vault,
                operations: [Management, Cryptographic, Advanced].map(operations).to_vec(),
                key_versions: [KeyClass::Rsa2048, KeyClass::Advanced].map(versions).to_vec(),
                ..plan("vaults")
            },
        ],
    }
}

/// Returns the plans of a price list, with this one for managed HSMs.
fn plans<'a>(sheet: &'a PriceSheet, hsms: &str) -> Plans<'a> {
    Plans { managed_hsm: sheet.plan(hsms).unwrap(), vault: sheet.plan("vaults") }
}

fn bill(facts: &Facts, plan: &str, container: Option<&str>, period: Period, until: Timestamp) -> Statement {
    let sheet = sheet();
    statement(facts, &sheet, plans(&sheet, plan), &scope(container), period, until)
}
