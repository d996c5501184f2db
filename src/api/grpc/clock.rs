//! Implements `strongroom.v1.ClockService`.

use tonic::{Request, Response, Status};

use super::convert::clock::target;
use super::pb::{self, clock_service_server::ClockService};
use super::{Services, credential, error, origin, set_correlation_id};
use crate::jobs::Scheduler;
use crate::ops::clock;

/// The clock service: the state that all services share, and the scheduler that runs due work.
#[derive(Clone)]
pub(super) struct ClockServices {
    pub(super) services: Services,
    pub(super) scheduler: Scheduler,
}

#[tonic::async_trait]
impl ClockService for ClockServices {
    async fn get_clock(&self, request: Request<pb::GetClockRequest>) -> Result<Response<pb::Clock>, Status> {
        self.services.answer::<_, clock::GetClock, _>("/strongroom.v1.ClockService/GetClock", request).await
    }

    async fn advance_clock(
        &self,
        request: Request<pb::AdvanceClockRequest>,
    ) -> Result<Response<pb::AdvanceClockResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let headers = metadata.into_headers();
        let origin = origin(&headers, &extensions, "/strongroom.v1.ClockService/AdvanceClock".to_owned());
        let credential = credential(&headers, &extensions);
        let correlation_id = origin.correlation_id;
        let force = message.force;
        let advanced = self.scheduler.advance(credential, origin, |now| target(message, now), force).await;
        match advanced {
            Ok((face, happenings)) => {
                let happenings = happenings.into_iter().map(Into::into).collect();
                let mut response =
                    Response::new(pb::AdvanceClockResponse { clock: Some(face.into()), happenings });
                set_correlation_id(response.metadata_mut(), correlation_id);
                Ok(response)
            }
            Err(refused) => {
                let mut status = error::status(&refused);
                set_correlation_id(status.metadata_mut(), correlation_id);
                Err(status)
            }
        }
    }

    async fn freeze_clock(
        &self,
        request: Request<pb::FreezeClockRequest>,
    ) -> Result<Response<pb::Clock>, Status> {
        self.services
            .answer::<_, clock::FreezeClock, _>("/strongroom.v1.ClockService/FreezeClock", request)
            .await
    }

    async fn resume_clock(
        &self,
        request: Request<pb::ResumeClockRequest>,
    ) -> Result<Response<pb::Clock>, Status> {
        self.services
            .answer::<_, clock::ResumeClock, _>("/strongroom.v1.ClockService/ResumeClock", request)
            .await
    }

    async fn release_clock(
        &self,
        request: Request<pb::ReleaseClockRequest>,
    ) -> Result<Response<pb::Clock>, Status> {
        self.services
            .answer::<_, clock::ReleaseClock, _>("/strongroom.v1.ClockService/ReleaseClock", request)
            .await
    }
}
