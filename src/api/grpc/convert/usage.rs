//! Converts the messages of `usage.proto`, except those of budgets.

use prost_types::Timestamp as WireTimestamp;
use rust_decimal::Decimal;

use super::super::pb;
use super::{instant, parse_field, segments, wire_instant};
use crate::model::arm_rbac::ControlScope;
use crate::model::billing::{Forecast, LineMeter, Period, Statement, StatementLine};
use crate::model::lifetime::Phase;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::usage::{
    ExportChunk, ExportUsage, FileFormat, GetForecast, GetStatement, ListUsage, RequestedPeriod, UsageItem,
    UsageMeter,
};
use crate::ops::{Page, PageRequest};

/// Parses the resource name of a managed HSM or vault.
fn container(field: Field, name: &str) -> Result<ControlScope> {
    if name.split('/').nth(4) == Some("vaults") {
        let [subscription, group, vault] =
            segments(field, name, "subscriptions/{}/resourceGroups/{}/vaults/{}")?;
        return Ok(ControlScope::Vault(
            parse_field(field, subscription)?,
            parse_field(field, group)?,
            parse_field(field, vault)?,
        ));
    }
    let [subscription, group, hsm] =
        segments(field, name, "subscriptions/{}/resourceGroups/{}/managedHsms/{}")?;
    Ok(ControlScope::ManagedHsm(
        parse_field(field, subscription)?,
        parse_field(field, group)?,
        parse_field(field, hsm)?,
    ))
}

/// Parses the resource name of a subscription, a resource group, a managed HSM or a vault.
pub(super) fn scope(name: &str) -> Result<ControlScope> {
    let field = Field::Parent;
    match name.split('/').count() {
        0..=2 => {
            let [subscription] = segments(field, name, "subscriptions/{}")?;
            Ok(ControlScope::Subscription(parse_field(field, subscription)?))
        }
        3..=4 => {
            let [subscription, group] = segments(field, name, "subscriptions/{}/resourceGroups/{}")?;
            Ok(ControlScope::ResourceGroup(parse_field(field, subscription)?, parse_field(field, group)?))
        }
        _ => container(field, name),
    }
}

/// Formats a scope as [`scope`] parses it.
pub(super) fn scope_name(scope: &ControlScope) -> String {
    let mut name = format!("subscriptions/{}", scope.subscription());
    if let Some(group) = scope.resource_group() {
        name.push_str(&format!("/resourceGroups/{group}"));
    }
    match scope {
        ControlScope::Subscription(_) | ControlScope::ResourceGroup(..) => {}
        ControlScope::ManagedHsm(_, _, hsm) => name.push_str(&format!("/managedHsms/{hsm}")),
        ControlScope::Vault(_, _, vault) => name.push_str(&format!("/vaults/{vault}")),
        ControlScope::VaultObject(_, _, vault, kind, object) => {
            name.push_str(&format!("/vaults/{vault}/{}/{object}", kind.collection()));
        }
    }
    name
}

fn requested_period(from: Option<WireTimestamp>, to: Option<WireTimestamp>) -> Result<RequestedPeriod> {
    let from = from.map(|from| instant(Field::From, from)).transpose()?;
    let to = to.map(|to| instant(Field::To, to)).transpose()?;
    if let (Some(from), Some(to)) = (from, to) {
        Period::new(from, to)?;
    }
    Ok(RequestedPeriod { from, to })
}

fn plan(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

impl TryFrom<pb::GetStatementRequest> for GetStatement {
    type Error = Error;

    fn try_from(request: pb::GetStatementRequest) -> Result<Self> {
        let period = requested_period(request.from, request.to)?;
        Ok(Self { scope: scope(&request.parent)?, period, plan: plan(request.plan) })
    }
}

impl TryFrom<pb::GetForecastRequest> for GetForecast {
    type Error = Error;

    fn try_from(request: pb::GetForecastRequest) -> Result<Self> {
        Ok(Self { scope: container(Field::Name, &request.name)?, plan: plan(request.plan) })
    }
}

impl TryFrom<pb::ListUsageRequest> for ListUsage {
    type Error = Error;

    fn try_from(request: pb::ListUsageRequest) -> Result<Self> {
        let period = requested_period(request.from, request.to)?;
        let page = PageRequest::parse(request.page_size, &request.page_token, 100, 1000)?;
        Ok(Self { scope: scope(&request.parent)?, period, page })
    }
}

impl TryFrom<pb::ExportUsageRequest> for ExportUsage {
    type Error = Error;

    fn try_from(request: pb::ExportUsageRequest) -> Result<Self> {
        let period = requested_period(request.from, request.to)?;
        let format = match request.format.as_str() {
            "csv" => FileFormat::Csv,
            "json" => FileFormat::Json,
            _ => return Err(Error::invalid(Field::Format, "the format is csv or json")),
        };
        let after = match request.page_token.as_str() {
            "" => None,
            token => {
                let parsed = token.parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
                let unknown = || Error::invalid(Field::PageToken, "this is not a page token of this list");
                Some(parsed.ok_or_else(unknown)?)
            }
        };
        Ok(Self { scope: scope(&request.parent)?, period, plan: plan(request.plan), format, after })
    }
}

/// Formats a decimal without trailing zeros.
pub(super) fn text(decimal: Decimal) -> String {
    decimal.normalize().to_string()
}

const fn state(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Deleted => "soft-deleted",
        Phase::Purged => "purged",
    }
}

impl From<(ControlScope, Statement)> for pb::Statement {
    fn from((scope, statement): (ControlScope, Statement)) -> Self {
        Self {
            parent: scope_name(&scope),
            from: Some(wire_instant(statement.period.from)),
            to: Some(wire_instant(statement.period.to)),
            until: Some(wire_instant(statement.until)),
            plan: statement.plan,
            prices: statement.prices,
            currency: statement.currency,
            lines: statement.lines.into_iter().map(Into::into).collect(),
            total: text(statement.total),
            soft_deleted: text(statement.soft_deleted),
        }
    }
}

impl From<StatementLine> for pb::StatementLine {
    fn from(line: StatementLine) -> Self {
        let class = match line.meter {
            LineMeter::PoolHours => line.sku.clone(),
            LineMeter::Operations(class) => class.as_str().to_owned(),
            LineMeter::KeyVersions(class) => class.as_str().to_owned(),
        };
        Self {
            meter: line.meter.name().to_owned(),
            class,
            resource: line.resource(),
            state: state(line.phase).to_owned(),
            quantity: text(line.quantity),
            unit: line.meter.unit().to_owned(),
            unit_price: text(line.unit_price),
            unit_quantity: line.per,
            amount: text(line.amount),
            tier: u32::try_from(line.tier).unwrap_or(u32::MAX),
            assumed_price: line.assumption,
            why: line.why,
            hsm_id: line.lifetime_id.to_string(),
        }
    }
}

impl From<(ControlScope, Forecast)> for pb::Forecast {
    fn from((scope, forecast): (ControlScope, Forecast)) -> Self {
        Self {
            name: scope_name(&scope),
            state: state(forecast.phase).to_owned(),
            from: Some(wire_instant(forecast.period.from)),
            to: Some(wire_instant(forecast.period.to)),
            plan: forecast.plan,
            currency: forecast.currency,
            cost_per_day: text(forecast.per_day),
            cost: text(forecast.cost),
            saving: forecast.saving.map(text),
            purge_protection: forecast.protected,
            why: forecast.why,
        }
    }
}

impl From<UsageItem> for pb::UsageRecord {
    fn from(used: UsageItem) -> Self {
        let (meter, class, event) = match used.meter {
            UsageMeter::PoolHours { deleted: false } => ("pool-hours", state(Phase::Running), String::new()),
            UsageMeter::PoolHours { deleted: true } => ("pool-hours", state(Phase::Deleted), String::new()),
            UsageMeter::Operations { class, event } => ("operations", class.as_str(), event),
            UsageMeter::KeyUse => ("key-use", "", String::new()),
        };
        Self {
            resource: used.resource,
            meter: meter.to_owned(),
            class: class.to_owned(),
            event,
            from: Some(wire_instant(used.from)),
            to: Some(wire_instant(used.to)),
            count: used.count,
        }
    }
}

impl From<Page<UsageItem>> for pb::ListUsageResponse {
    fn from(page: Page<UsageItem>) -> Self {
        Self {
            records: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next.unwrap_or_default(),
        }
    }
}

impl From<ExportChunk> for pb::ExportUsageResponse {
    fn from(piece: ExportChunk) -> Self {
        let next = piece.next.map(|next| next.as_microsecond().to_string());
        Self { content: piece.content, next_page_token: next.unwrap_or_default() }
    }
}
