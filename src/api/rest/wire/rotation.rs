//! Requests and responses of key rotation and rotation policies.

use serde::{Deserialize, Serialize};

use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use crate::model::period::LifetimePeriod;
use crate::model::rotation::{RotationRules, RotationTrigger, check_actions};
use crate::model::{Error, Field, Result};
use crate::ops::KeyPath;
use crate::ops::keys::{GetKeyRotationPolicy, KeyRotationPolicy, RotateKey, UpdateKeyRotationPolicy};

pub(in super::super) fn rotate(input: &RequestInput<'_>) -> Result<RotateKey> {
    Ok(RotateKey { key: input.key()? })
}

pub(in super::super) fn get(input: &RequestInput<'_>) -> Result<GetKeyRotationPolicy> {
    Ok(GetKeyRotationPolicy { key: input.key()? })
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PolicyRequest {
    lifetime_actions: Option<Vec<ActionRequest>>,
    attributes: Option<AttributesRequest>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AttributesRequest {
    expiry_time: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ActionRequest {
    action: Option<TypeRequest>,
    trigger: Option<TriggerRequest>,
}

impl ActionRequest {
    /// The type of the action; empty if it is absent.
    fn kind(&self) -> &str {
        self.action.as_ref().and_then(|action| action.r#type.as_deref()).unwrap_or_default()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TypeRequest {
    r#type: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TriggerRequest {
    time_after_create: Option<String>,
    time_before_expiry: Option<String>,
}

pub(in super::super) fn put(input: &RequestInput<'_>) -> Result<UpdateKeyRotationPolicy> {
    rules(input.key()?, input.body::<PolicyRequest>()?)
}

fn rules(key: KeyPath, request: PolicyRequest) -> Result<UpdateKeyRotationPolicy> {
    let actions = request.lifetime_actions.unwrap_or_default();
    let types: Vec<&str> = actions.iter().map(ActionRequest::kind).collect();
    check_actions(&types)?;
    let trigger = actions.first().map(trigger).transpose()?;
    let expiry = request.attributes.unwrap_or_default().expiry_time;
    Ok(UpdateKeyRotationPolicy {
        key,
        rules: RotationRules::new(period(Field::ExpiryTime, expiry.as_deref())?, trigger)?,
    })
}

fn period(field: Field, text: Option<&str>) -> Result<Option<LifetimePeriod>> {
    let named = |error| match error {
        Error::Invalid { why, .. } => Error::Invalid { field, why },
        other => other,
    };
    text.map(|text| text.parse().map_err(named)).transpose()
}

fn trigger(action: &ActionRequest) -> Result<RotationTrigger> {
    let part = |choose: fn(&TriggerRequest) -> &Option<String>| {
        action.trigger.as_ref().and_then(|trigger| choose(trigger).as_deref())
    };
    let after = period(Field::LifetimeActionsTimeAfterCreate, part(|trigger| &trigger.time_after_create))?;
    let before = period(Field::LifetimeActionsTimeBeforeExpiry, part(|trigger| &trigger.time_before_expiry))?;
    match (after, before) {
        (Some(after), None) => Ok(RotationTrigger::AfterCreation(after)),
        (None, Some(before)) => Ok(RotationTrigger::BeforeExpiry(before)),
        _ => Err(Error::invalid(
            Field::LifetimeActions,
            "a rotation action needs either timeAfterCreate or timeBeforeExpiry",
        )),
    }
}

/// Parses the policy of a key of a vault, which may contain the notification that every key has.
// assumption: the messages of Azure are not recorded.
pub(in super::super) fn put_of_vault(input: &RequestInput<'_>) -> Result<UpdateKeyRotationPolicy> {
    let (key, mut request) = (input.key()?, input.body::<PolicyRequest>()?);
    let actions = request.lifetime_actions.take().unwrap_or_default();
    let is_notification = |action: &ActionRequest| action.kind().eq_ignore_ascii_case("notify");
    let (notifications, actions): (Vec<_>, Vec<_>) = actions.into_iter().partition(is_notification);
    let fixed = |action: &ActionRequest| match &action.trigger {
        Some(trigger) => {
            trigger.time_after_create.is_none() && trigger.time_before_expiry.as_deref() == Some("P30D")
        }
        None => false,
    };
    if notifications.len() > 1 || !notifications.iter().all(fixed) {
        return Err(Error::Unsupported {
            what:
                "a notification other than one 30 days before expiry (timeBeforeExpiry P30D) is not available"
                    .to_owned(),
        });
    }
    request.lifetime_actions = Some(actions);
    rules(key, request)
}

/// A rotation policy. Its id is a relative path, as that of Managed HSM.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Policy {
    attributes: Attributes,
    id: String,
    lifetime_actions: Vec<LifetimeAction>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<i64>,
}

#[derive(Serialize)]
struct LifetimeAction {
    action: Kind,
    trigger: Trigger,
}

#[derive(Serialize)]
struct Kind {
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Trigger {
    TimeAfterCreate(String),
    TimeBeforeExpiry(String),
}

pub(in super::super) fn policy(_: &Endpoint, reply: KeyRotationPolicy) -> Policy {
    let id = format!("keys/{}/rotationpolicy", reply.key.name);
    let Some(policy) = reply.policy else {
        return Policy { attributes: Attributes::default(), id, lifetime_actions: Vec::new() };
    };
    let trigger = policy.rules.trigger().map(|trigger| match trigger {
        RotationTrigger::AfterCreation(after) => Trigger::TimeAfterCreate(after.as_str().to_owned()),
        RotationTrigger::BeforeExpiry(before) => Trigger::TimeBeforeExpiry(before.as_str().to_owned()),
    });
    // Always in lower case, as recorded.
    let action = trigger.map(|trigger| LifetimeAction { action: Kind { r#type: "rotate" }, trigger });
    Policy {
        attributes: Attributes {
            created: Some(policy.created.as_second()),
            expiry_time: policy.rules.expiry_time().map(|expiry| expiry.as_str().to_owned()),
            updated: Some(policy.updated.as_second()),
        },
        id,
        lifetime_actions: action.into_iter().collect(),
    }
}
