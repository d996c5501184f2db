//! `strongroom usage budget`

use clap::{Args, Subcommand};
use serde::Serialize;

use super::statement::money;
use super::{container, selects_container};
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::output::TableRow;
use crate::cli::session::Session;
use crate::cli::{Context, table, time_argument};
use crate::model::Timestamp;
use crate::model::name::BudgetName;
use crate::model::resource::ResourceGroupName;

/// Subcommands of `strongroom usage budget`.
#[derive(Subcommand, Clone, Debug)]
pub enum BudgetCommand {
    /// Create a budget; an event reports once a month that its amount is reached
    Create(CreateArgs),
    /// Show a budget
    Show(BudgetArgs),
    /// List the budgets of the subscription
    List,
    /// Delete a budget
    Delete(BudgetArgs),
}

/// The budget to create.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the budget
    name: BudgetName,
    /// Amount per calendar month, in the currency of the price list
    #[arg(long)]
    amount: String,
    /// Resource group of the managed HSM or vault [default: that of the simulator]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
    /// Cover the whole subscription, even if a managed HSM or vault is selected
    #[arg(long)]
    all: bool,
}

/// Selects a budget.
#[derive(Args, Clone, Debug)]
pub struct BudgetArgs {
    /// Name of the budget
    name: BudgetName,
}

#[derive(Serialize)]
struct View {
    name: String,
    scope: String,
    amount: String,
    currency: String,
    created: Option<Timestamp>,
    reached: Option<Timestamp>,
    expected: Option<Timestamp>,
}

impl From<pb::Budget> for View {
    fn from(budget: pb::Budget) -> Self {
        Self {
            name: budget.name,
            scope: budget.scope,
            amount: budget.amount,
            currency: budget.currency,
            created: time_argument::from_wire(budget.created),
            reached: time_argument::from_wire(budget.reached),
            expected: time_argument::from_wire(budget.expected),
        }
    }
}

impl View {
    fn text(&self) -> String {
        table::fields(&[
            ("name", last(&self.name).to_owned()),
            ("scope", self.scope.clone()),
            ("amount", format!("{} {} a month", money(&self.amount), self.currency)),
            ("created", time_argument::format(self.created)),
            ("reached", time_argument::format(self.reached)),
            ("expected", time_argument::format(self.expected)),
        ])
    }
}

impl TableRow for View {
    const HEADINGS: &'static [&'static str] = &["NAME", "AMOUNT", "REACHED", "EXPECTED", "SCOPE"];

    fn cells(&self) -> Vec<String> {
        vec![
            last(&self.name).to_owned(),
            format!("{} {}", money(&self.amount), self.currency),
            time_argument::format(self.reached),
            time_argument::format(self.expected),
            self.scope.clone(),
        ]
    }
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

fn resource_name(session: &Session, name: &BudgetName) -> Outcome<String> {
    Ok(format!("subscriptions/{}/budgets/{name}", session.subscription()?))
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: BudgetCommand) -> Outcome {
    let session = context.connect_control().await?;
    let mut client = session.usage();
    let budget = match command {
        BudgetCommand::List => {
            let parent = format!("subscriptions/{}", session.subscription()?);
            let reply = client.list_budgets(pb::ListBudgetsRequest { parent }).await?.into_inner();
            let rows: Vec<View> = reply.budgets.into_iter().map(View::from).collect();
            return context.output.print_list(&rows, "there are no budgets");
        }
        BudgetCommand::Create(CreateArgs { name, amount, resource_group, all }) => {
            let parent = match selects_container(context) && !all {
                true => container(context, &session, resource_group.as_ref())?,
                false => format!("subscriptions/{}", session.subscription()?),
            };
            let request = pb::CreateBudgetRequest { parent, budget_id: name.to_string(), amount };
            client.create_budget(request).await?
        }
        BudgetCommand::Show(BudgetArgs { name }) => {
            client.get_budget(pb::GetBudgetRequest { name: resource_name(&session, &name)? }).await?
        }
        BudgetCommand::Delete(BudgetArgs { name }) => {
            client.delete_budget(pb::DeleteBudgetRequest { name: resource_name(&session, &name)? }).await?
        }
    };
    let view = View::from(budget.into_inner());
    context.output.print(&view, || view.text())
}
