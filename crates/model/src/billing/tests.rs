//! Tests of statements, forecasts and budgets: worked examples and properties.

mod examples;
mod properties;

use jiff::civil::Date;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::Timestamp;
use crate::lifetime::{HsmLifetime, Phase};
use crate::resource::SubscriptionId;

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn life(id: u128, name: &str, phases: &[(Timestamp, Phase)]) -> HsmLifetime {
    HsmLifetime {
        id: Uuid::from_u128(id),
        name: name.parse().unwrap(),
        subscription: SubscriptionId(Uuid::from_u128(7)),
        resource_group: "dev".into(),
        location: "here".into(),
        sku: "Standard_B1".into(),
        phases: phases.to_vec(),
    }
}

fn scope(hsm: Option<&str>) -> CostScope {
    CostScope {
        subscription: SubscriptionId(Uuid::from_u128(7)),
        resource_group: None,
        hsm: hsm.map(|name| name.parse().unwrap()),
    }
}

fn source() -> PriceSource {
    PriceSource { text: "a test".into(), date: Date::constant(2026, 11, 20), assumption: false }
}

/// A price list: hours at 3.20, operations in two tiers, key versions in three.
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
        ],
    }
}

fn bill(facts: &Facts, plan: &str, hsm: Option<&str>, period: Period, until: Timestamp) -> Statement {
    let sheet = sheet();
    statement(facts, &sheet, sheet.plan(plan).unwrap(), &scope(hsm), period, until)
}
