//! `strongroom healthcheck`: queries the gRPC health service of a running server.

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::Context;
use super::failure::{Failure, Outcome};
use super::plane::Plane;
use super::session::ConnectionSettings;

/// Queries the health without a credential. Trusts the same certificates as the other commands.
pub(super) async fn run(context: &Context) -> Outcome {
    let channel = ConnectionSettings::resolve(&context.options, Plane::Data)?
        .connect(context.options.request_timeout())
        .await?;
    let mut request = tonic::Request::new(HealthCheckRequest { service: String::new() });
    request.set_timeout(context.options.request_timeout());
    let answer = HealthClient::new(channel).check(request).await.map_err(Failure::from)?.into_inner();
    match answer.status() {
        ServingStatus::Serving => {
            context.output.print_value(&serde_json::json!({"status": "serving"}), "serving")
        }
        _ => Err(Failure::problem("the service is not serving; see its log")),
    }
}
