//! `strongroom usage statement`

use clap::Args;
use rust_decimal::Decimal;
use serde::Serialize;

use super::PeriodArgs;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::{Context, table, time_argument};
use crate::model::Timestamp;
use crate::model::billing::format_amount;

/// The scope, the period and the plan.
#[derive(Args, Clone, Debug)]
pub struct StatementArgs {
    #[command(flatten)]
    period: PeriodArgs,
    /// Plan of the price list to use for its kind of container, for example vault-premium for managed HSMs
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
}

/// The maximum size of a statement in bytes. A statement has no pages, so it may exceed the default message limit.
const MAX_STATEMENT_BYTES: usize = 64 * 1024 * 1024;

#[derive(Serialize)]
struct View {
    parent: String,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    until: Option<Timestamp>,
    plan: String,
    prices: String,
    currency: String,
    lines: Vec<LineView>,
    total: String,
    soft_deleted: String,
}

#[derive(Serialize)]
struct LineView {
    meter: String,
    class: String,
    resource: String,
    state: String,
    quantity: String,
    unit: String,
    unit_price: String,
    unit_quantity: u32,
    amount: String,
    tier: u32,
    assumed_price: bool,
    why: String,
    hsm_id: String,
}

/// Fetches and prints the statement.
pub(super) async fn run(context: &Context, args: StatementArgs) -> Outcome {
    let session = context.connect_control().await?;
    let request = pb::GetStatementRequest {
        parent: args.period.parent(context, &session)?,
        from: args.period.from.map(time_argument::to_wire),
        to: args.period.to.map(time_argument::to_wire),
        plan: args.plan.unwrap_or_default(),
    };
    let mut client = session.usage().max_decoding_message_size(MAX_STATEMENT_BYTES);
    let view = View::from(client.get_statement(request).await?.into_inner());
    context.output.print(&view, || view.text())
}

impl From<pb::Statement> for View {
    fn from(statement: pb::Statement) -> Self {
        Self {
            parent: statement.parent,
            from: time_argument::from_wire(statement.from),
            to: time_argument::from_wire(statement.to),
            until: time_argument::from_wire(statement.until),
            plan: statement.plan,
            prices: statement.prices,
            currency: statement.currency,
            lines: statement.lines.into_iter().map(LineView::from).collect(),
            total: statement.total,
            soft_deleted: statement.soft_deleted,
        }
    }
}

impl From<pb::StatementLine> for LineView {
    fn from(line: pb::StatementLine) -> Self {
        Self {
            meter: line.meter,
            class: line.class,
            resource: line.resource,
            state: line.state,
            quantity: line.quantity,
            unit: line.unit,
            unit_price: line.unit_price,
            unit_quantity: line.unit_quantity,
            amount: line.amount,
            tier: line.tier,
            assumed_price: line.assumed_price,
            why: line.why,
            hsm_id: line.hsm_id,
        }
    }
}

const HEADINGS: &[&str] = &["RESOURCE", "METER", "STATE", "QUANTITY", "UNIT", "PRICE", "AMOUNT"];
/// The indices of the columns with numbers.
const NUMBERS: &[usize] = &[3, 5, 6];

impl View {
    /// Formats the heading, the lines with their total, and the explanations.
    fn text(&self) -> String {
        let known = if self.until < self.to { time_argument::format(self.until) } else { String::new() };
        let mut text = table::fields(&[
            ("statement", self.parent.clone()),
            ("period", format!("{} to {}", time_argument::format(self.from), time_argument::format(self.to))),
            ("known until", known),
            ("plan", self.plan.clone()),
            ("prices", self.prices.clone()),
        ]);
        text.push('\n');
        let mut rows: Vec<Vec<String>> = self.lines.iter().map(LineView::cells).collect();
        let currency = &self.currency;
        let sum = |what: String, amount: &str| {
            let mut row = vec![String::new(); HEADINGS.len()];
            row[0] = what;
            row[HEADINGS.len() - 1] = money(amount);
            row
        };
        if self.soft_deleted != "0" {
            rows.push(sum(format!("soft-deleted {currency}"), &self.soft_deleted));
        }
        rows.push(sum(format!("TOTAL {currency}"), &self.total));
        text.push_str(&table::columns_right_aligned(HEADINGS, &rows, NUMBERS));
        if !self.lines.is_empty() {
            text.push('\n');
        }
        for line in &self.lines {
            text.push_str(&table::printable(&line.why));
            text.push('\n');
        }
        text
    }
}

impl LineView {
    fn cells(&self) -> Vec<String> {
        let per = match self.unit_quantity {
            0 | 1 => String::new(),
            many => format!(" / {}", grouped(many.into())),
        };
        let mark = if self.assumed_price { "~" } else { "" };
        let quantity = if self.unit == "hours" { money(&self.quantity) } else { count(&self.quantity) };
        vec![
            self.resource.clone(),
            format!("{} {}", self.meter, self.class),
            self.state.clone(),
            quantity,
            self.unit.clone(),
            format!("{mark}{}{per}", price(&self.unit_price)),
            money(&self.amount),
        ]
    }
}

/// Formats a decimal number. Other text is returned unchanged.
fn decimal(text: &str, show: impl Fn(Decimal) -> String) -> String {
    Decimal::from_str_exact(text).map_or_else(|_| text.to_owned(), show)
}

pub(super) fn money(text: &str) -> String {
    decimal(text, format_amount)
}

fn count(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), grouped)
}

fn grouped(number: u64) -> String {
    format_amount(Decimal::from(number)).trim_end_matches(".00").to_owned()
}

/// Formats a price with all its decimals, at least two.
fn price(text: &str) -> String {
    decimal(text, |price| {
        let exact = price.normalize();
        if exact.scale() < 2 { format!("{exact:.2}") } else { exact.to_string() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(resource: &str, state: &str, quantity: &str, amount: &str) -> pb::StatementLine {
        pb::StatementLine {
            meter: "pool-hours".into(),
            class: "Standard_B1".into(),
            resource: resource.into(),
            state: state.into(),
            quantity: quantity.into(),
            unit: "hours".into(),
            unit_price: "3.2".into(),
            unit_quantity: 1,
            amount: amount.into(),
            why: format!("{resource} was {state}."),
            assumed_price: true,
            ..Default::default()
        }
    }

    #[test]
    fn formats_statements_with_totals() {
        let instant = |text: &str| time_argument::parse(text).map(time_argument::to_wire).ok();
        let operations = pb::StatementLine {
            meter: "operations".into(),
            class: "cryptographic".into(),
            resource: "hsms/local".into(),
            state: "running".into(),
            quantity: "12345".into(),
            unit: "operations".into(),
            unit_price: "0.03".into(),
            unit_quantity: 10_000,
            amount: "0.037035".into(),
            why: "Asked.".into(),
            ..Default::default()
        };
        let statement = pb::Statement {
            parent: "subscriptions/x".into(),
            from: instant("2027-01-01"),
            to: instant("2027-02-01"),
            until: instant("2027-02-01"),
            plan: "Managed HSM".into(),
            prices: "a list".into(),
            currency: "USD".into(),
            lines: vec![
                line("hsms/local", "running", "744", "2380.8"),
                operations,
                line("hsms/payroll", "soft-deleted", "12.5", "40"),
            ],
            total: "2420.837035".into(),
            soft_deleted: "40".into(),
        };
        assert_eq!(
            View::from(statement).text(),
            "\
statement  subscriptions/x
period     2027-01-01 00:00:00Z to 2027-02-01 00:00:00Z
plan       Managed HSM
prices     a list

RESOURCE          METER                     STATE         QUANTITY  UNIT                PRICE    AMOUNT
hsms/local        pool-hours Standard_B1    running         744.00  hours               ~3.20  2,380.80
hsms/local        operations cryptographic  running         12,345  operations  0.03 / 10,000      0.04
hsms/payroll      pool-hours Standard_B1    soft-deleted     12.50  hours               ~3.20     40.00
soft-deleted USD                                                                                  40.00
TOTAL USD                                                                                      2,420.84

hsms/local was running.
Asked.
hsms/payroll was soft-deleted.
"
        );
    }

    #[test]
    fn prices_keep_all_decimals() {
        for (given, text) in [("3.2", "3.20"), ("5", "5.00"), ("0.0123", "0.0123"), ("x", "x")] {
            assert_eq!(price(given), text);
        }
        assert_eq!((count("12000").as_str(), count("7").as_str()), ("12,000", "7"));
    }
}
