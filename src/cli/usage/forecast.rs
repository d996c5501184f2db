//! `strongroom usage forecast`

use clap::Args;
use serde::Serialize;

use super::container;
use super::statement::money;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::{Context, table, time_argument};
use crate::model::Timestamp;
use crate::model::resource::ResourceGroupName;

/// The resource group and the plan. `--hsm` selects a managed HSM, `--vault` a vault.
#[derive(Args, Clone, Debug)]
pub struct ForecastArgs {
    /// Resource group of the managed HSM or vault [default: that of the simulator]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
    /// Plan of the price list to use instead of the configured one
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
}

#[derive(Serialize)]
struct View {
    name: String,
    state: String,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    plan: String,
    currency: String,
    cost_per_day: String,
    cost: String,
    saving: Option<String>,
    purge_protection: bool,
    why: String,
}

/// Fetches and prints the forecast.
pub(super) async fn run(context: &Context, args: ForecastArgs) -> Outcome {
    let session = context.connect_control().await?;
    let name = container(context, &session, args.resource_group.as_ref())?;
    let request = pb::GetForecastRequest { name, plan: args.plan.unwrap_or_default() };
    let view = View::from(session.usage().get_forecast(request).await?.into_inner());
    context.output.print(&view, || view.text())
}

impl From<pb::Forecast> for View {
    fn from(forecast: pb::Forecast) -> Self {
        Self {
            name: forecast.name,
            state: forecast.state,
            from: time_argument::from_wire(forecast.from),
            to: time_argument::from_wire(forecast.to),
            plan: forecast.plan,
            currency: forecast.currency,
            cost_per_day: forecast.cost_per_day,
            cost: forecast.cost,
            saving: forecast.saving,
            purge_protection: forecast.purge_protection,
            why: forecast.why,
        }
    }
}

impl View {
    fn text(&self) -> String {
        let amount = |text: &str| format!("{} {}", money(text), self.currency);
        let saving = self.saving.as_deref().map(|saving| match self.purge_protection {
            true => "nothing can be saved: purge protection is on".to_owned(),
            false => amount(saving),
        });
        let (parent, name) = self.name.rsplit_once('/').unwrap_or_default();
        let kind = if parent.ends_with("/vaults") { "vault" } else { "managed HSM" };
        let fields = table::fields(&[
            (kind, name.to_owned()),
            ("state", self.state.clone()),
            ("plan", self.plan.clone()),
            ("until", time_argument::format(self.to)),
            ("cost per day", amount(&self.cost_per_day)),
            ("cost until then", amount(&self.cost)),
            ("purging now saves", saving.unwrap_or_default()),
        ]);
        format!("{fields}\n{}\n", table::printable(&self.why))
    }
}
