//! Reads and validates the price list.

use std::collections::BTreeSet;
use std::path::Path;

use rust_decimal::Decimal;

use super::ConfigError;
use crate::model::audit_entry::Meter;
use crate::model::billing::{Plan, PriceSheet, Tier};
use crate::model::container::ContainerKind;

/// The built-in price list: public list prices.
const LISTED: &str = include_str!("../../../../hsm-config/prices.toml");

/// The highest valid price. Together with [`PLACES`], it keeps the exact amounts of a month within range.
const MOST: i64 = 1_000_000;
/// The maximum number of decimal places of a price.
const PLACES: u32 = 8;

/// Reads the price list from `file`, or the built-in one.
///
/// # Errors
/// If the file cannot be read, has an unknown key, or contains an invalid value; the text names the position.
pub fn prices(file: Option<&Path>) -> Result<PriceSheet, ConfigError> {
    let Some(path) = file else { return parse(LISTED, "the built-in price list") };
    let text = std::fs::read_to_string(path).map_err(|error| {
        ConfigError::new(format!("billing.prices_file: {} cannot be read: {error}", path.display()))
    })?;
    parse(&text, &path.display().to_string())
}

fn parse(text: &str, origin: &str) -> Result<PriceSheet, ConfigError> {
    let sheet: PriceSheet =
        toml::from_str(text).map_err(|error| ConfigError::new(format!("{origin}: {error}")))?;
    check(&sheet).map_err(|why| ConfigError::new(format!("{origin}: {why}")))?;
    Ok(sheet)
}

type Checked = Result<(), String>;

fn need(condition: bool, text: impl FnOnce() -> String) -> Checked {
    if condition { Ok(()) } else { Err(text()) }
}

fn check(sheet: &PriceSheet) -> Checked {
    let letters = sheet.currency.bytes().all(|b| b.is_ascii_uppercase());
    need(sheet.currency.len() == 3 && letters, || {
        "currency: must be three capital letters, such as USD".to_owned()
    })?;
    need(!sheet.plan.is_empty(), || "there is no [[plan]]".to_owned())?;
    let mut names = BTreeSet::new();
    for plan in &sheet.plan {
        need(names.insert(&plan.name), || format!("plan {}: duplicate name", plan.name))?;
        check_plan(plan).map_err(|why| format!("plan {}: {why}", plan.name))?;
    }
    Ok(())
}

fn check_plan(plan: &Plan) -> Checked {
    need(plan.container == ContainerKind::ManagedHsm || plan.pool_hours.is_empty(), || {
        "pool_hours: vaults have none".to_owned()
    })?;
    let mut hours = BTreeSet::new();
    for price in &plan.pool_hours {
        let key = (&price.sku, price.location.as_ref().map(|location| location.to_lowercase()));
        need(hours.insert(key), || format!("pool_hours: two prices of {}", price.sku))?;
        check_price(price.price).map_err(|why| format!("pool_hours: {}: {why}", price.sku))?;
    }
    let mut classes = BTreeSet::new();
    for price in &plan.operations {
        let class = price.class.as_str();
        need(price.class != Meter::Free, || "operations: the class free has no price".to_owned())?;
        need(classes.insert(class), || format!("operations: two prices of {class}"))?;
        let tens = std::iter::successors(Some(1_u32), |ten| ten.checked_mul(10)).take(8);
        need(tens.into_iter().any(|ten| ten == price.per), || {
            format!("operations: {class}: per must be a power of ten up to 10000000")
        })?;
        check_tiers(&price.tiers).map_err(|why| format!("operations: {class}: {why}"))?;
    }
    let mut classes = BTreeSet::new();
    for price in &plan.key_versions {
        let class = price.class.as_str();
        need(classes.insert(class), || format!("key_versions: two prices of {class}"))?;
        check_tiers(&price.tiers).map_err(|why| format!("key_versions: {class}: {why}"))?;
    }
    Ok(())
}

/// Errors unless the limits of the tiers increase and the last tier has none.
fn check_tiers(tiers: &[Tier]) -> Checked {
    let Some((last, others)) = tiers.split_last() else {
        return Err("tiers: at least one is needed".to_owned());
    };
    need(last.up_to.is_none(), || "tiers: the last one must not have up_to".to_owned())?;
    let mut before = 0;
    for tier in others {
        let up_to = tier.up_to.unwrap_or_default();
        need(up_to > before, || {
            "tiers: each but the last needs an up_to greater than the previous one".to_owned()
        })?;
        before = up_to;
    }
    tiers.iter().try_for_each(|tier| check_price(tier.price))
}

fn check_price(price: Decimal) -> Checked {
    let sensible =
        price.is_sign_positive() && price <= Decimal::from(MOST) && price.normalize().scale() <= PLACES;
    need(sensible, || format!("{price}: a price must be 0 to {MOST}, with at most {PLACES} decimals"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_price_list_has_plans_of_both_kinds() {
        let sheet = prices(None).unwrap();
        let names: Vec<_> = sheet.plan.iter().map(|plan| plan.name.as_str()).collect();
        assert_eq!(names, ["managed-hsm", "vault-premium", "key-vault"]);
        let kinds: Vec<_> = sheet.plan.iter().map(|plan| plan.container).collect();
        assert_eq!(kinds, [ContainerKind::ManagedHsm, ContainerKind::ManagedHsm, ContainerKind::Vault]);
        // Operations and key versions have the same prices in both plans. Managed HSMs have no certificates to renew.
        let (renewals, operations): (Vec<_>, Vec<_>) =
            sheet.plan[2].operations.iter().cloned().partition(|price| price.class == Meter::Renewal);
        assert_eq!(sheet.plan[1].operations, operations);
        assert_eq!((renewals.len(), renewals[0].per), (1, 1));
        assert_eq!(sheet.plan[1].key_versions, sheet.plan[2].key_versions);
        // Prices without a firm source are marked as assumptions.
        assert!(sheet.plan[0].pool_hours[0].source.assumption);
        assert_eq!(sheet.plan[1].key_versions[1].tiers.len(), 4);
    }

    #[test]
    fn rejects_invalid_price_lists() {
        let tail = "source = { text = \"x\", date = \"2026-01-01\" }\n";
        let plan = "title = \"t\"\ncurrency = \"USD\"\n[[plan]]\nname = \"p\"\ntitle = \"t\"\n";
        let hours = |line: &str| format!("{plan}[[plan.pool_hours]]\nsku = \"*\"\n{line}\n{tail}");
        let operations =
            |lines: &str| format!("{plan}[[plan.operations]]\nclass = \"advanced\"\n{lines}\n{tail}");
        for (text, wanted) in [
            (LISTED.replace("\"USD\"", "\"usd\""), "currency"),
            ("title = \"t\"\ncurrency = \"USD\"\nplan = []\n".to_owned(), "no [[plan]]"),
            (format!("{plan}[[plan]]\nname = \"p\"\ntitle = \"t\"\n"), "plan p: duplicate name"),
            (format!("{plan}colour = \"red\"\n"), "colour"),
            (hours("price = 3.20"), "price"),
            (
                hours("price = \"1\"").replace("name = \"p\"", "name = \"p\"\ncontainer = \"vault\""),
                "vaults have none",
            ),
            (format!("{plan}container = \"box\"\n"), "box"),
            (hours("price = \"-1\""), "pool_hours: *: -1"),
            (hours("price = \"0.000000001\""), "at most 8 decimals"),
            (hours("price = \"1000001\""), "at most 8 decimals"),
            (hours("price = \"cheap\""), "price"),
            (operations("per = 12\ntiers = [{ price = \"1\" }]"), "per must be a power of ten"),
            (operations("per = 10\ntiers = []"), "at least one"),
            (
                operations("per = 10\ntiers = [{ up_to = 1, price = \"1\" }]"),
                "the last one must not have up_to",
            ),
            (
                operations("per = 10\ntiers = [{ price = \"1\" }, { price = \"1\" }]"),
                "greater than the previous one",
            ),
        ] {
            let error = parse(&text, "list.toml").unwrap_err().to_string();
            assert!(error.starts_with("list.toml: ") && error.contains(wanted), "{error}\n{text}");
        }
        let error = prices(Some(Path::new("nowhere.toml"))).unwrap_err().to_string();
        assert!(error.contains("billing.prices_file: nowhere.toml"), "{error}");
    }
}
