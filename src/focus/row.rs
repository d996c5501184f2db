//! A row of a FOCUS export: one line of a cost statement that covers at most a day.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::model::Timestamp;
use crate::model::billing::{LineMeter, Period, Statement, StatementLine};
use crate::model::container::ContainerKind;
use crate::model::lifetime::Phase;

/// Declares the columns with their names, order and types.
macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident $column:literal: $type:ty,)+) => {
        /// A row. `None` is null: an empty CSV cell.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize)]
        pub struct Row {
            $($(#[$doc])* #[serde(rename = $column)] pub $name: $type,)+
        }

        impl Row {
            /// The column names, in order.
            pub const COLUMNS: &'static [&'static str] = &[$($column,)+];
        }
    };
}

columns! {
    /// Always null: containers have no availability zone.
    availability_zone "AvailabilityZone": Option<&'static str>,
    /// The billed amount.
    billed_cost "BilledCost": Decimal,
    /// The subscription: there is no billing account above it.
    billing_account_id "BillingAccountId": String,
    /// The name of the subscription.
    billing_account_name "BillingAccountName": Option<String>,
    /// The currency code (ISO 4217).
    billing_currency "BillingCurrency": String,
    /// The end of the calendar month, exclusive.
    billing_period_end "BillingPeriodEnd": String,
    /// The start of the calendar month.
    billing_period_start "BillingPeriodStart": String,
    /// Always `Usage`.
    charge_category "ChargeCategory": &'static str,
    /// Always null: there are no corrections.
    charge_class "ChargeClass": Option<&'static str>,
    /// A sentence that explains the charge.
    charge_description "ChargeDescription": String,
    /// Always `Usage-Based`.
    charge_frequency "ChargeFrequency": &'static str,
    /// The end of the day or of the statement period, exclusive.
    charge_period_end "ChargePeriodEnd": String,
    /// The start of the day or of the statement period.
    charge_period_start "ChargePeriodStart": String,
    /// Always null, like all `CommitmentDiscount*` columns: there are no commitment discounts.
    commitment_discount_category "CommitmentDiscountCategory": Option<&'static str>,
    /// Always null.
    commitment_discount_id "CommitmentDiscountId": Option<&'static str>,
    /// Always null.
    commitment_discount_name "CommitmentDiscountName": Option<&'static str>,
    /// Always null.
    commitment_discount_status "CommitmentDiscountStatus": Option<&'static str>,
    /// Always null.
    commitment_discount_type "CommitmentDiscountType": Option<&'static str>,
    /// The quantity used.
    consumed_quantity "ConsumedQuantity": Decimal,
    /// The unit of the quantity used.
    consumed_unit "ConsumedUnit": &'static str,
    /// Equals the billed cost: there are no negotiated prices.
    contracted_cost "ContractedCost": Decimal,
    /// Equals the list unit price.
    contracted_unit_price "ContractedUnitPrice": Decimal,
    /// Equals the billed cost: there are no prepayments.
    effective_cost "EffectiveCost": Decimal,
    /// `Strongroom`.
    invoice_issuer_name "InvoiceIssuerName": &'static str,
    /// Equals the billed cost.
    list_cost "ListCost": Decimal,
    /// The price of one pricing unit.
    list_unit_price "ListUnitPrice": Decimal,
    /// Always `Standard`.
    pricing_category "PricingCategory": &'static str,
    /// The quantity used, in pricing units.
    pricing_quantity "PricingQuantity": Decimal,
    /// The unit that the price applies to, for example `10000 Requests`.
    pricing_unit "PricingUnit": String,
    /// `Strongroom`.
    provider_name "ProviderName": &'static str,
    /// `Strongroom`.
    publisher_name "PublisherName": &'static str,
    /// The region of the managed HSM or vault.
    region_id "RegionId": String,
    /// Equals the region id.
    region_name "RegionName": String,
    /// The ARM resource id of the managed HSM, vault or key.
    resource_id "ResourceId": String,
    /// The name of the managed HSM, vault or key.
    resource_name "ResourceName": String,
    /// `Managed HSM`, `Vault` or `Key`.
    resource_type "ResourceType": &'static str,
    /// Always `Security`.
    service_category "ServiceCategory": &'static str,
    /// `Managed HSM`, or `Key Vault` for vaults.
    service_name "ServiceName": &'static str,
    /// The meter with its SKU or class.
    sku_id "SkuId": String,
    /// The SKU id with the price tier.
    sku_price_id "SkuPriceId": String,
    /// The ARM resource id of the subscription.
    sub_account_id "SubAccountId": String,
    /// The name of the subscription.
    sub_account_name "SubAccountName": Option<String>,
    /// JSON with the lifetime id and state of the managed HSM or vault, the plan, and whether the price is an assumption.
    tags "Tags": String,
}

const PROVIDER: &str = "Strongroom";

impl Row {
    /// Returns the rows of a statement that covers at most a day. `subscription` is the subscription's name.
    pub fn from_statement(statement: &Statement, subscription: Option<&str>) -> Vec<Self> {
        let row = |line| Self::from_line(line, statement, subscription);
        statement.lines.iter().map(row).collect()
    }

    fn from_line(line: &StatementLine, statement: &Statement, subscription: Option<&str>) -> Self {
        let month = statement.period.months().next().unwrap_or(statement.period);
        let Period { from, to } = statement.period;
        let account = format!("/subscriptions/{}", line.subscription);
        let (container_type, resource_type, service) = match line.container.kind() {
            ContainerKind::ManagedHsm => ("managedHSMs", "Managed HSM", "Managed HSM"),
            ContainerKind::Vault => ("vaults", "Vault", "Key Vault"),
        };
        let name = line.container.name();
        let container = format!(
            "{account}/resourceGroups/{}/providers/Microsoft.KeyVault/{container_type}/{name}",
            line.resource_group
        );
        let (class, unit) = match line.meter {
            LineMeter::PoolHours => (line.sku.as_str(), "Hours"),
            LineMeter::Operations(class) => (class.as_str(), "Requests"),
            LineMeter::KeyVersions(class) => (class.as_str(), "Version-Months"),
        };
        let sku = format!("{}/{class}", line.meter.name());
        let per = Decimal::from(line.per.max(1));
        let amount = line.amount.normalize();
        let price = line.unit_price.normalize();
        Self {
            availability_zone: None,
            billed_cost: amount,
            billing_account_id: account.clone(),
            billing_account_name: subscription.map(str::to_owned),
            billing_currency: statement.currency.clone(),
            billing_period_end: instant(month.to),
            billing_period_start: instant(month.from),
            charge_category: "Usage",
            charge_class: None,
            charge_description: line.why.clone(),
            charge_frequency: "Usage-Based",
            charge_period_end: instant(to),
            charge_period_start: instant(from),
            commitment_discount_category: None,
            commitment_discount_id: None,
            commitment_discount_name: None,
            commitment_discount_status: None,
            commitment_discount_type: None,
            consumed_quantity: line.quantity.normalize(),
            consumed_unit: unit,
            contracted_cost: amount,
            contracted_unit_price: price,
            effective_cost: amount,
            invoice_issuer_name: PROVIDER,
            list_cost: amount,
            list_unit_price: price,
            pricing_category: "Standard",
            pricing_quantity: (line.quantity / per).normalize(),
            pricing_unit: if line.per > 1 { format!("{} {unit}", line.per) } else { unit.to_owned() },
            provider_name: PROVIDER,
            publisher_name: PROVIDER,
            region_id: line.location.clone(),
            region_name: line.location.clone(),
            resource_id: line.key.as_ref().map_or(container.clone(), |key| format!("{container}/keys/{key}")),
            resource_name: line.key.as_ref().map_or(name.to_owned(), ToString::to_string),
            resource_type: if line.key.is_some() { "Key" } else { resource_type },
            service_category: "Security",
            service_name: service,
            sku_price_id: format!("{sku}/{}", line.tier),
            sku_id: sku,
            sub_account_id: account,
            sub_account_name: subscription.map(str::to_owned),
            tags: tags(line),
        }
    }
}

/// Formats a timestamp as FOCUS requires: UTC, to the second.
fn instant(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn tags(line: &StatementLine) -> String {
    let state = match line.phase {
        Phase::Running => "running",
        Phase::Deleted => "soft-deleted",
        Phase::Purged => "purged",
    };
    serde_json::json!({
        "assumed_price": line.assumption.to_string(),
        "life": line.lifetime_id.to_string(),
        "plan": line.plan,
        "state": state,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use uuid::Uuid;

    use super::*;
    use crate::focus::{csv, json_lines};
    use crate::model::billing::Plans;
    use crate::model::billing::{CostScope, Facts, Plan, PoolHourPrice, PriceSheet, PriceSource, statement};
    use crate::model::lifetime::ContainerLifetime;
    use crate::model::resource::SubscriptionId;

    fn daily_statement(day: &str, next: &str) -> Statement {
        let at = |day: &str| format!("{day}T00:00:00Z").parse::<Timestamp>().unwrap();
        let subscription = SubscriptionId(Uuid::from_u128(7));
        let life = ContainerLifetime {
            id: Uuid::from_u128(1),
            container: "payroll".parse().unwrap(),
            subscription,
            resource_group: "dev".into(),
            location: "here, \"there\"".into(),
            sku: "Standard_B1".into(),
            phases: vec![
                ("2027-01-31T12:00:00Z".parse().unwrap(), Phase::Running),
                (at("2027-02-01"), Phase::Deleted),
            ],
        };
        let source = PriceSource { text: "x".into(), date: jiff::civil::date(2027, 1, 1), assumption: false };
        let price = Decimal::from_str("3.20").unwrap();
        let hours = PoolHourPrice { sku: "*".into(), location: None, price, source };
        let plan = Plan {
            name: "p".into(),
            title: "P".into(),
            container: ContainerKind::ManagedHsm,
            pool_hours: vec![hours],
            operations: vec![],
            key_versions: vec![],
        };
        let sheet = PriceSheet { title: "t".into(), currency: "USD".into(), plan: vec![plan] };
        let facts = Facts { lifetimes: vec![life], ..Facts::default() };
        let scope = CostScope { subscription, resource_group: None, container: None };
        let period = Period::new(at(day), at(next)).unwrap();
        let plans = Plans { managed_hsm: &sheet.plan[0], vault: None };
        statement(&facts, &sheet, plans, &scope, period, Timestamp::MAX)
    }

    #[test]
    fn columns_match_focus_in_order() {
        assert_eq!(Row::COLUMNS.len(), 43);
        assert!(Row::COLUMNS.is_sorted());
        let rows = Row::from_statement(&daily_statement("2027-01-31", "2027-02-01"), None);
        let object = serde_json::to_value(&rows[0]).unwrap();
        let keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, Row::COLUMNS);
    }

    #[test]
    fn csv_round_trips() {
        let mut bytes =
            csv(&Row::from_statement(&daily_statement("2027-01-31", "2027-02-01"), Some("dev")), true)
                .unwrap();
        bytes.extend(
            csv(&Row::from_statement(&daily_statement("2027-02-01", "2027-02-02"), Some("dev")), false)
                .unwrap(),
        );
        let mut reader = ::csv::Reader::from_reader(&*bytes);
        let headings = reader.headers().unwrap().clone();
        let rows: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(rows.len(), 2);
        let cell = |row: usize, name: &str| {
            let column = headings.iter().position(|heading| heading == name).unwrap();
            rows[row].get(column).unwrap().to_owned()
        };
        for (name, first, second) in [
            ("BilledCost", "38.4", "76.8"),
            ("BillingPeriodStart", "2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"),
            ("BillingPeriodEnd", "2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z"),
            ("ChargePeriodStart", "2027-01-31T00:00:00Z", "2027-02-01T00:00:00Z"),
            ("ChargeClass", "", ""),
            ("ConsumedQuantity", "12", "24"),
            ("PricingUnit", "Hours", "Hours"),
            ("RegionId", "here, \"there\"", "here, \"there\""),
            ("SkuPriceId", "pool-hours/Standard_B1/1", "pool-hours/Standard_B1/1"),
            ("SubAccountName", "dev", "dev"),
        ] {
            assert_eq!((cell(0, name).as_str(), cell(1, name).as_str()), (first, second), "{name}");
        }
        let tags: serde_json::Value = serde_json::from_str(&cell(1, "Tags")).unwrap();
        assert_eq!(tags["state"], "soft-deleted");
    }

    #[test]
    fn json_lines_have_exact_decimals() {
        let lines =
            json_lines(&Row::from_statement(&daily_statement("2027-01-31", "2027-02-01"), None)).unwrap();
        let text = String::from_utf8(lines).unwrap();
        assert_eq!(text.lines().count(), 1);
        let row: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&row["BilledCost"], &row["AvailabilityZone"]),
            (&"38.4".into(), &serde_json::Value::Null)
        );
    }
}
