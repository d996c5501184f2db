//! Forecasting the cost of a managed HSM.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::{Server, error_metadata};
use crate::usage::{freeze_clock_at, managed_hsm};

fn request(name: String) -> pb::GetForecastRequest {
    pb::GetForecastRequest { name, plan: String::new() }
}

#[tokio::test]
async fn running_hsm_is_forecast_for_thirty_days() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    freeze_clock_at(&mut owner, "2050-01-01").await;
    let name = managed_hsm(&server, "local");
    let answer = owner.usage.get_forecast(request(name.clone())).await;
    let scope = answer.as_ref().map(|_| {
        let subscription = server.connection().subscription_id;
        format!(
            "/subscriptions/{subscription}/resourceGroups/dev/providers/Microsoft.KeyVault/managedHSMs/local"
        )
    });
    assert_audited(&server, metadata(&answer), "CostForecast", "OK", &scope.unwrap());
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
        let status = assert_not_granted(caller.usage.get_forecast(ask.clone()).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.CostManagement/forecast/read");
    }
    let mut reader = server.client("reader").await;
    let elsewhere = request(managed_hsm(&server, "elsewhere"));
    assert_grpc_error(reader.usage.get_forecast(elsewhere).await, Code::NotFound, "HSM_NOT_FOUND");
    // `local` is in another resource group.
    let elsewhere = request(managed_hsm(&server, "local").replace("/dev/", "/other/"));
    assert_grpc_error(reader.usage.get_forecast(elsewhere).await, Code::NotFound, "HSM_NOT_FOUND");
    assert_bad_parameter(reader.usage.get_forecast(request("hsms/local".to_owned())).await, "name");
    assert_bad_parameter(
        reader.usage.get_forecast(pb::GetForecastRequest { plan: "x".to_owned(), ..ask }).await,
        "plan",
    );
}
