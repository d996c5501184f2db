//! `strongroom.v1.ClockService`: the simulator's clock.

use jiff::SignedDuration;
use tonic::{Request, Response, Status};

use super::convert::{instant, wire_instant};
use super::pb::{self, clock_service_server::ClockService};
use super::{Services, credential, error, origin, stamp};
use crate::jobs::{Happened, Happening, Scheduler};
use crate::model::name::KeyId;
use crate::model::{Error, Result as Outcome, Timestamp};
use crate::ops::clock;

/// The clock's service: the other services', and what does the work that comes due.
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
        let advanced = self.scheduler.advance(credential, origin, |now| target(message, now)).await;
        match advanced {
            Ok((face, happenings)) => {
                let happenings = happenings.into_iter().map(Into::into).collect();
                let mut response =
                    Response::new(pb::AdvanceClockResponse { clock: Some(face.into()), happenings });
                stamp(response.metadata_mut(), correlation_id);
                Ok(response)
            }
            Err(refused) => {
                let mut status = error::status(&refused);
                stamp(status.metadata_mut(), correlation_id);
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
}

/// The instant to which the clock is to be turned.
fn target(request: pb::AdvanceClockRequest, now: Timestamp) -> Outcome<Timestamp> {
    use pb::advance_clock_request::Target;
    match request.target {
        None => Err(Error::invalid("target", "say by how much, or to which instant")),
        Some(Target::To(to)) => {
            let to = instant("to", to)?;
            if to < now {
                return Err(Error::invalid("to", format!("the clock goes forwards only, and shows {now}")));
            }
            Ok(to)
        }
        Some(Target::By(by)) => {
            let wrong = || Error::invalid("by", "a duration that is not negative and ends in the calendar");
            if by.seconds < 0 || by.nanos < 0 {
                return Err(wrong());
            }
            now.checked_add(SignedDuration::new(by.seconds, by.nanos / 1000 * 1000)).map_err(|_| wrong())
        }
    }
}

/// Declares the requests that say nothing.
macro_rules! says_nothing {
    ($($request:ident => $operation:ident,)+) => {
        $(impl TryFrom<pb::$request> for clock::$operation {
            type Error = Error;

            fn try_from(_: pb::$request) -> Outcome<Self> {
                Ok(Self)
            }
        })+
    };
}

says_nothing! {
    GetClockRequest => GetClock,
    FreezeClockRequest => FreezeClock,
    ResumeClockRequest => ResumeClock,
}

impl From<clock::ClockFace> for pb::Clock {
    fn from(face: clock::ClockFace) -> Self {
        Self { now: Some(wire_instant(face.now)), frozen: face.setting.frozen.is_some() }
    }
}

impl From<Happening> for pb::Happening {
    fn from(happening: Happening) -> Self {
        use pb::happening::What;
        let hsm = happening.hsm;
        let named = |hsm, name, version| KeyId { hsm, name, version }.to_string();
        let what = match happening.what {
            Happened::PurgedHsm(path) => What::PurgedHsm(format!(
                "subscriptions/{}/locations/{}/deletedManagedHsms/{}",
                path.subscription, path.location, path.name
            )),
            Happened::PurgedKey(name) => What::PurgedKey(format!("hsms/{hsm}/deletedKeys/{name}")),
            Happened::RotatedKey(name, version) => What::RotatedKey(named(hsm, name, Some(version))),
            Happened::NearExpiry(name, version) => What::NearExpiry(named(hsm, name, Some(version))),
            Happened::ReachedBudget(id) => {
                What::ReachedBudget(format!("subscriptions/{}/budgets/{}", id.subscription, id.name))
            }
            Happened::NotRotatedKey(name) => What::NotRotatedKey(named(hsm, name, None)),
        };
        Self { at: Some(wire_instant(happening.at)), what: Some(what) }
    }
}
