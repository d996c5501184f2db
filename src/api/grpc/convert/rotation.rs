//! Converts the rotation messages of `key.proto`.

use super::super::pb;
use super::{collection, container_in, key_path, parse_field, segments, wire_instant};
use crate::model::period::LifetimePeriod;
use crate::model::rotation::{RotationRules, RotationTrigger, check_actions};
use crate::model::{Error, Field, Result};
use crate::ops::KeyPath;
use crate::ops::keys::{GetKeyRotationPolicy, KeyRotationPolicy, RotateKey, UpdateKeyRotationPolicy};

impl TryFrom<pb::RotateKeyRequest> for RotateKey {
    type Error = Error;

    fn try_from(request: pb::RotateKeyRequest) -> Result<Self> {
        Ok(Self { key: key_path(Field::Name, &request.name, "keys")? })
    }
}

impl TryFrom<pb::GetKeyRotationPolicyRequest> for GetKeyRotationPolicy {
    type Error = Error;

    fn try_from(request: pb::GetKeyRotationPolicyRequest) -> Result<Self> {
        Ok(Self { key: policy_of(&request.name)? })
    }
}

impl TryFrom<pb::UpdateKeyRotationPolicyRequest> for UpdateKeyRotationPolicy {
    type Error = Error;

    fn try_from(request: pb::UpdateKeyRotationPolicyRequest) -> Result<Self> {
        let key = policy_of(&request.name)?;
        let types: Vec<&str> = request.lifetime_actions.iter().map(|action| action.action.as_str()).collect();
        check_actions(&types)?;
        let trigger = request.lifetime_actions.first().map(trigger).transpose()?;
        let rules = RotationRules::new(period(Field::ExpiryTime, &request.expiry_time)?, trigger)?;
        Ok(Self { key, rules })
    }
}

/// Parses `hsms/{hsm}/keys/{key}/rotationPolicy` or `vaults/{vault}/keys/{key}/rotationPolicy`.
fn policy_of(name: &str) -> Result<KeyPath> {
    let collection = collection(name);
    let pattern = format!("{collection}/{{}}/keys/{{}}/rotationPolicy");
    let [container, key] = segments(Field::Name, name, &pattern)?;
    Ok(KeyPath {
        container: container_in(Field::Name, collection, container)?,
        name: parse_field(Field::Name, key)?,
    })
}

fn period(field: Field, text: &str) -> Result<Option<LifetimePeriod>> {
    if text.is_empty() { Ok(None) } else { parse_field(field, text).map(Some) }
}

fn trigger(action: &pb::KeyLifetimeAction) -> Result<RotationTrigger> {
    let pb::KeyLifetimeAction { action: _, time_after_create, time_before_expiry } = action;
    let after = period(Field::LifetimeActionsTimeAfterCreate, time_after_create)?;
    let before = period(Field::LifetimeActionsTimeBeforeExpiry, time_before_expiry)?;
    match (after, before) {
        (Some(after), None) => Ok(RotationTrigger::AfterCreation(after)),
        (None, Some(before)) => Ok(RotationTrigger::BeforeExpiry(before)),
        _ => Err(Error::invalid(
            Field::LifetimeActions,
            "a rotation action needs either time_after_create or time_before_expiry",
        )),
    }
}

impl From<KeyRotationPolicy> for pb::KeyRotationPolicy {
    fn from(reply: KeyRotationPolicy) -> Self {
        let KeyPath { container, name } = &reply.key;
        let name = format!("{container}/keys/{name}/rotationPolicy");
        let Some(policy) = reply.policy else { return Self { name, ..Self::default() } };
        let rotate = |after: &str, before: &str| pb::KeyLifetimeAction {
            // Always in lower case, as recorded from the service.
            action: "rotate".to_owned(),
            time_after_create: after.to_owned(),
            time_before_expiry: before.to_owned(),
        };
        let action = policy.rules.trigger().map(|trigger| match trigger {
            RotationTrigger::AfterCreation(after) => rotate(after.as_str(), ""),
            RotationTrigger::BeforeExpiry(before) => rotate("", before.as_str()),
        });
        Self {
            name,
            expiry_time: policy.rules.expiry_time().map(ToString::to_string).unwrap_or_default(),
            lifetime_actions: action.into_iter().collect(),
            created: Some(wire_instant(policy.created)),
            updated: Some(wire_instant(policy.updated)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotate(after: &str, before: &str) -> pb::KeyLifetimeAction {
        pb::KeyLifetimeAction {
            action: "Rotate".to_owned(),
            time_after_create: after.to_owned(),
            time_before_expiry: before.to_owned(),
        }
    }

    fn read(expiry: &str, actions: Vec<pb::KeyLifetimeAction>) -> Result<UpdateKeyRotationPolicy> {
        pb::UpdateKeyRotationPolicyRequest {
            name: "hsms/local/keys/a/rotationPolicy".to_owned(),
            expiry_time: expiry.to_owned(),
            lifetime_actions: actions,
        }
        .try_into()
    }

    #[test]
    fn parses_rotation_policies() {
        assert!(read("", vec![]).unwrap().rules.is_none());
        assert!(read("P28D", vec![]).unwrap().rules.is_some());
        let lower = pb::KeyLifetimeAction { action: "rotate".to_owned(), ..rotate("P28D", "") };
        for (expiry, action) in [("", rotate("P90D", "")), ("P1Y", rotate("", "P30D")), ("P2Y", lower)] {
            assert!(read(expiry, vec![action]).unwrap().rules.unwrap().trigger().is_some());
        }
    }

    #[test]
    fn rejects_invalid_policies_and_names_the_field() {
        let action = |action: &str| pb::KeyLifetimeAction { action: action.to_owned(), ..rotate("", "P30D") };
        for (expiry, actions, field) in [
            ("P1Y", vec![action("Notify")], "lifetime_actions.action"),
            ("P1Y", vec![action("notify")], "lifetime_actions.action"),
            ("P1Y", vec![action("")], "lifetime_actions.action"),
            ("P1Y", vec![action("fly")], "lifetime_actions.action"),
            ("P1Y", vec![rotate("P90D", ""), rotate("P90D", "")], "lifetime_actions"),
            ("P1Y", vec![rotate("P90D", ""), action("Notify")], "lifetime_actions.action"),
            ("P1D", vec![action("NOTIFY"), rotate("90", "P0D"), action("fly")], "lifetime_actions.action"),
            ("P1Y", vec![rotate("P90D", "P30D")], "lifetime_actions"),
            ("P1Y", vec![rotate("", "")], "lifetime_actions"),
            ("P1Y", vec![rotate("90", "")], "lifetime_actions.time_after_create"),
            ("P1Y", vec![rotate("P27D", "")], "lifetime_actions.time_after_create"),
            ("P1Y", vec![rotate("", "P0D")], "lifetime_actions.time_before_expiry"),
            ("P1Y", vec![rotate("", "P1Y")], "lifetime_actions.time_before_expiry"),
            ("", vec![rotate("", "P30D")], "expiry_time"),
            ("P1D", vec![], "expiry_time"),
            ("P4W", vec![], "expiry_time"),
        ] {
            match read(expiry, actions.clone()) {
                Err(Error::Invalid { field: named, .. }) => {
                    assert_eq!(named.path(), field, "{expiry} {actions:?}")
                }
                other => panic!("{expiry} {actions:?}: {other:?}"),
            }
        }
    }
}
