//! Advances the clock: the call runs the work that comes due on the way, each a call of its own.

use tonic::{Request, Response, Status};

use super::convert::clock::target;
use super::{Services, credential, origin, pb, response};

/// `strongroom.v1.ClockService/AdvanceClock`.
pub(super) async fn advance_clock(
    services: &Services,
    rpc: &'static str,
    request: Request<pb::AdvanceClockRequest>,
) -> Result<Response<pb::AdvanceClockResponse>, Status> {
    let (metadata, extensions, message) = request.into_parts();
    let headers = metadata.into_headers();
    let origin = origin(&headers, &extensions, rpc.to_owned());
    let credential = credential(&headers, &extensions);
    let correlation_id = origin.correlation_id;
    let force = message.force;
    let advanced = services.scheduler.advance(credential, origin, |now| target(message, now), force).await;
    let reply = advanced.map(|(clock, happenings)| pb::AdvanceClockResponse {
        clock: Some(clock.into()),
        happenings: happenings.into_iter().map(Into::into).collect(),
    });
    response(reply, correlation_id)
}
