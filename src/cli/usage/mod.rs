//! `strongroom usage`: what managed HSMs cost, and what they will cost.

mod budget;
mod export;
mod forecast;
mod list;
mod statement;

use clap::{Args, Subcommand};

use super::Context;
use super::failure::{Failure, Outcome};
use super::session::Session;
use super::when;
use crate::model::Timestamp;
use crate::model::resource::ResourceGroupName;

use budget::BudgetCommand;
use export::ExportArgs;
use forecast::ForecastArgs;
use statement::StatementArgs;

/// What can be asked about usage.
#[derive(Subcommand, Clone, Debug)]
pub enum UsageCommand {
    /// Show what a period costs, line by line
    Statement(StatementArgs),
    /// Show what a managed HSM will cost if nothing is done, and what purging it now would save
    Forecast(ForecastArgs),
    /// List what statements are computed from
    List(PeriodArgs),
    /// Write costs by the day with the columns of FOCUS 1.0
    Export(ExportArgs),
    /// Make budgets, of which it is said when they are reached
    #[command(subcommand)]
    Budget(BudgetCommand),
}

/// Whose usage, and of which period.
#[derive(Args, Clone, Debug)]
pub struct PeriodArgs {
    /// The first day or instant: 2027-01-01 or RFC 3339 [default: the first of this month]
    #[arg(long, value_parser = when::parse, value_name = "INSTANT")]
    from: Option<Timestamp>,
    /// The first day or instant after it [default: the first of next month]
    #[arg(long, value_parser = when::parse, value_name = "INSTANT")]
    to: Option<Timestamp>,
    /// The resource group [default: all, or where --hsm is named the simulator's]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
    /// All managed HSMs, though --hsm or STRONGROOM_HSM names one
    #[arg(long)]
    all: bool,
}

impl PeriodArgs {
    /// Whose usage is meant: that of the HSM that is named, of a resource group, or of the subscription.
    fn parent(&self, context: &Context, session: &Session) -> Outcome<String> {
        if !self.all && context.options.hsm.is_some() {
            return managed_hsm(session, self.resource_group.as_ref());
        }
        let subscription = format!("subscriptions/{}", session.subscription()?);
        let group = |group: &ResourceGroupName| format!("{subscription}/resourceGroups/{group}");
        Ok(self.resource_group.as_ref().map_or(subscription.clone(), group))
    }
}

/// The HSM that is named, or the simulator's, as a resource.
fn managed_hsm(session: &Session, named: Option<&ResourceGroupName>) -> Outcome<String> {
    let missing = || Failure::problem("no resource group is named").hint("name it with --resource-group");
    let known = session.connection.as_ref().map(|connection| connection.resource_group.clone());
    let group = named.cloned().or(known).ok_or_else(missing)?;
    let subscription = session.subscription()?;
    Ok(format!("subscriptions/{subscription}/resourceGroups/{group}/managedHsms/{}", session.hsm()?))
}

/// Runs one of them.
pub(super) async fn run(context: &Context, command: UsageCommand) -> Outcome {
    match command {
        UsageCommand::Statement(args) => statement::run(context, args).await,
        UsageCommand::Forecast(args) => forecast::run(context, args).await,
        UsageCommand::List(args) => list::run(context, args).await,
        UsageCommand::Export(args) => export::run(context, args).await,
        UsageCommand::Budget(command) => budget::run(context, command).await,
    }
}
