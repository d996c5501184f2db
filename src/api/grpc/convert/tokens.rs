//! Converts the messages of `token.proto`.

use super::super::pb;
use super::resources::subscription;
use crate::model::container::ContainerId;
use crate::model::{Error, Field, Result};
use crate::ops::tokens::{ListTokenStates, TokenState, TokenStates};

impl TryFrom<pb::ListTokenStatesRequest> for ListTokenStates {
    type Error = Error;

    fn try_from(request: pb::ListTokenStatesRequest) -> Result<Self> {
        Ok(Self { subscription: subscription(Field::Parent, &request.parent)? })
    }
}

fn names(containers: &[ContainerId]) -> Vec<String> {
    containers.iter().map(ToString::to_string).collect()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl From<TokenState> for pb::TokenState {
    fn from(state: TokenState) -> Self {
        let TokenState { info, containers, statistics } = state;
        let duration = |duration| prost_types::Duration::try_from(duration).ok();
        let [waiting, waiting_slow] = statistics.waiting.map(number);
        let [capacity, slow_capacity] = statistics.capacity.map(number);
        Self {
            serial: info.serial,
            label: info.label,
            manufacturer: info.manufacturer,
            model: info.model,
            firmware: info.firmware,
            containers: names(&containers),
            running_workers: number(statistics.workers.running),
            starting_workers: number(statistics.workers.starting),
            failed_workers: number(statistics.workers.failed),
            worker_starts: statistics.worker_starts,
            running_calls: number(statistics.running),
            waiting_calls: waiting,
            capacity,
            waiting_slow_calls: waiting_slow,
            slow_capacity,
            calls: statistics.calls.ended,
            failed_calls: statistics.calls.failed,
            median_duration: duration(statistics.calls.median),
            percentile_99_duration: duration(statistics.calls.percentile_99),
        }
    }
}

impl From<TokenStates> for pb::ListTokenStatesResponse {
    fn from(states: TokenStates) -> Self {
        Self {
            tokens: states.tokens.into_iter().map(Into::into).collect(),
            containers_without_token: names(&states.without_token),
        }
    }
}
