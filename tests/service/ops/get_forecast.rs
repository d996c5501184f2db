//! Forecasting the cost of a managed HSM.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::bill::{managed_hsm, stand_at};
use crate::roles::ask::{assert_recorded, bad, fails, metadata, not_granted};
use crate::support::{Server, fact};

fn request(name: String) -> pb::GetForecastRequest {
    pb::GetForecastRequest { name, plan: String::new() }
}

#[tokio::test]
async fn running_hsm_is_forecast_for_thirty_days() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    stand_at(&mut owner, "2050-01-01").await;
    let name = managed_hsm(&server, "local");
    let answer = owner.usage.get_forecast(request(name.clone())).await;
    let scope = answer.as_ref().map(|_| {
        let subscription = server.connection().subscription_id;
        format!(
            "/subscriptions/{subscription}/resourceGroups/dev/providers/Microsoft.KeyVault/managedHSMs/local"
        )
    });
    assert_recorded(&server, metadata(&answer), "CostForecast", "OK", &scope.unwrap());
    let forecast = answer.unwrap().into_inner();
    assert_eq!((&forecast.name, forecast.state.as_str()), (&name, "running"));
    assert_eq!((forecast.cost_per_day.as_str(), forecast.cost.as_str()), ("76.8", "2304"));
    assert_eq!((forecast.saving, forecast.purge_protection), (None, false));
    let days = forecast.to.unwrap().seconds - forecast.from.unwrap().seconds;
    assert_eq!(days, 30 * 86_400);
    assert!(forecast.why.contains("Deleting it does not end that"), "{}", forecast.why);

    let free = pb::GetForecastRequest { plan: "vault-premium".to_owned(), ..request(name) };
    assert_eq!(owner.usage.get_forecast(free).await.unwrap().into_inner().cost, "0");
}

#[tokio::test]
async fn rejects_missing_permission_and_unknown_hsms() {
    let server = Server::start();
    let ask = request(managed_hsm(&server, "local"));
    for name in ["administrator", "contributor", "nobody"] {
        let mut caller = server.client(name).await;
        let status = not_granted(caller.usage.get_forecast(ask.clone()).await);
        assert_eq!(fact(&status, "action"), "Microsoft.CostManagement/forecast/read");
    }
    let mut reader = server.client("reader").await;
    let elsewhere = request(managed_hsm(&server, "elsewhere"));
    fails(reader.usage.get_forecast(elsewhere).await, Code::NotFound, "HSM_NOT_FOUND");
    // `local` is in another resource group.
    let elsewhere = request(managed_hsm(&server, "local").replace("/dev/", "/other/"));
    fails(reader.usage.get_forecast(elsewhere).await, Code::NotFound, "HSM_NOT_FOUND");
    bad(reader.usage.get_forecast(request("hsms/local".to_owned())).await, "name");
    bad(reader.usage.get_forecast(pb::GetForecastRequest { plan: "x".to_owned(), ..ask }).await, "plan");
}
