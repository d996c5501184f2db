//! The policy of a certificate: how its next version is made.

use serde::{Deserialize, Serialize};

use super::key_properties::{ContentType, KeyMembers, KeyProperties};
use super::lifetime_action::{ActionType, LifetimeAction};
use super::x509_properties::{X509Members, X509Properties};
use crate::key::KeyType;
use crate::name::IssuerName;
use crate::{Result, Timestamp};

/// Who issues the versions of a certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Issuer {
    /// The certificate is signed with its own key.
    SelfSigned,
    /// Somebody whom the vault does not know: a person gets the request and merges the certificate.
    Unknown,
    /// An issuer of the vault.
    Named(IssuerName),
}

/// The member `issuer` of a policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IssuerParameters {
    /// The name in its original spelling, which Azure returns unchanged.
    pub name: IssuerName,
    /// The type of certificate that the issuer is asked for, such as `OV-SSL`. It is stored and reported.
    pub certificate_type: Option<String>,
    /// Whether the certificate is to be published in logs of certificate transparency. It is stored and reported.
    pub transparency: Option<bool>,
}

/// The policy of a certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CertificatePolicy {
    /// The key of new versions.
    pub key: KeyProperties,
    /// The format of the companion secret.
    pub content_type: ContentType,
    /// The contents of new versions.
    pub x509: X509Properties,
    /// What happens before expiry.
    pub lifetime_action: LifetimeAction,
    /// The issuer.
    pub issuer: IssuerParameters,
    /// Whether new versions are enabled.
    pub enabled: bool,
    /// When the certificate first had a policy.
    pub created: Timestamp,
    /// When the policy was last changed.
    pub updated: Timestamp,
}

/// The members of a request; `None` means not given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PolicyMembers {
    /// `key_props`
    pub key: Option<KeyMembers>,
    /// `secret_props`, with its `contentType`.
    pub secret: Option<Option<ContentType>>,
    /// `x509_props`
    pub x509: Option<X509Members>,
    /// `lifetime_actions`; an empty list means the default.
    pub lifetime_actions: Option<Vec<LifetimeAction>>,
    /// `issuer`
    pub issuer: Option<IssuerParameters>,
    /// `attributes.enabled`
    pub enabled: Option<bool>,
}

/// What an imported certificate states about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportedContents {
    /// The type of its key.
    pub key_type: KeyType,
    /// The format of the import.
    pub content_type: ContentType,
    /// The contents of the certificate.
    pub x509: X509Properties,
}

impl IssuerParameters {
    fn new(name: &str) -> Result<Self> {
        Ok(Self { name: name.parse()?, certificate_type: None, transparency: None })
    }

    /// Returns the issuer; the names `Self` and `Unknown` are compared ignoring case, as recorded.
    pub fn issuer(&self) -> Issuer {
        match self.name.as_str() {
            name if name.eq_ignore_ascii_case("Self") => Issuer::SelfSigned,
            name if name.eq_ignore_ascii_case("Unknown") => Issuer::Unknown,
            _ => Issuer::Named(self.name.clone()),
        }
    }

    /// The action of a policy without a lifetime action, as recorded.
    fn default_action(&self) -> ActionType {
        match self.issuer() {
            Issuer::SelfSigned | Issuer::Named(_) => ActionType::AutoRenew,
            Issuer::Unknown => ActionType::EmailContacts,
        }
    }
}

impl CertificatePolicy {
    /// Parses the policy of a request to create a certificate. Members that are not given have their defaults.
    ///
    /// # Errors
    /// `Invalid` naming the field.
    // assumption: the issuer of a policy without one is not recorded; it is Self, the issuer of the clients' default policies.
    pub fn new(members: PolicyMembers, premium: bool, now: Timestamp) -> Result<Self> {
        let issuer = members.issuer.map_or_else(|| IssuerParameters::new("Self"), Ok)?;
        let policy = Self {
            key: KeyProperties::parse(&members.key.unwrap_or_default())?,
            content_type: members.secret.flatten().unwrap_or_default(),
            x509: X509Properties::parse(members.x509.unwrap_or_default())?,
            lifetime_action: lifetime_action(members.lifetime_actions.as_deref(), &issuer)?,
            issuer,
            enabled: members.enabled.unwrap_or(true),
            created: now,
            updated: now,
        };
        policy.checked(premium)
    }

    /// Returns the policy of an imported certificate: its contents, and what the request states of key, secret, issuer and lifetime
    /// action. The type and size of the key are those of the certificate.
    ///
    /// # Errors
    /// `Invalid` naming the field.
    pub fn imported(
        members: PolicyMembers,
        contents: ImportedContents,
        premium: bool,
        now: Timestamp,
    ) -> Result<Self> {
        let issuer = members.issuer.map_or_else(|| IssuerParameters::new("Unknown"), Ok)?;
        let key = match members.key {
            Some(key) => KeyProperties { key_type: contents.key_type, ..KeyProperties::parse(&key)? },
            None => KeyProperties::imported(contents.key_type),
        };
        let policy = Self {
            key,
            content_type: members.secret.flatten().unwrap_or(contents.content_type),
            x509: contents.x509,
            lifetime_action: lifetime_action(members.lifetime_actions.as_deref(), &issuer)?,
            issuer,
            enabled: members.enabled.unwrap_or(true),
            created: now,
            updated: now,
        };
        policy.checked(premium)
    }

    /// Returns the policy after an update at `now`: each member that is given replaces the former one as a whole, as recorded.
    ///
    /// # Errors
    /// `Invalid` naming the field.
    pub fn updated(&self, members: PolicyMembers, premium: bool, now: Timestamp) -> Result<Self> {
        let mut policy = self.clone();
        if let Some(key) = &members.key {
            policy.key = KeyProperties::parse(key)?;
        }
        if let Some(content_type) = members.secret {
            policy.content_type = content_type.unwrap_or_default();
        }
        if let Some(x509) = members.x509 {
            policy.x509 = X509Properties::parse(x509)?;
        }
        if let Some(issuer) = members.issuer {
            policy.issuer = issuer;
        }
        if let Some(actions) = &members.lifetime_actions {
            policy.lifetime_action = lifetime_action(Some(actions), &policy.issuer)?;
        }
        policy.enabled = members.enabled.unwrap_or(policy.enabled);
        policy.updated = now;
        policy.checked(premium)
    }

    /// Checks what concerns several members.
    fn checked(self, premium: bool) -> Result<Self> {
        self.key.check_protection(premium)?;
        self.lifetime_action.trigger.check(self.x509.validity_months)?;
        Ok(self)
    }
}

fn lifetime_action(given: Option<&[LifetimeAction]>, issuer: &IssuerParameters) -> Result<LifetimeAction> {
    let given = LifetimeAction::only(given.unwrap_or_default())?;
    Ok(given.unwrap_or_else(|| LifetimeAction::default_for(issuer.default_action())))
}

#[cfg(test)]
mod tests {
    use super::super::lifetime_action::Trigger;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn members(subject: &str, issuer: &str) -> PolicyMembers {
        PolicyMembers {
            x509: Some(X509Members { subject: Some(subject.to_owned()), ..X509Members::default() }),
            issuer: Some(IssuerParameters::new(issuer).unwrap()),
            ..PolicyMembers::default()
        }
    }

    #[test]
    fn default_lifetime_action_depends_on_issuer() {
        for (issuer, action) in [
            ("self", ActionType::AutoRenew),
            ("Self", ActionType::AutoRenew),
            ("contoso", ActionType::AutoRenew),
            ("UNKNOWN", ActionType::EmailContacts),
        ] {
            let policy = CertificatePolicy::new(members("CN=a", issuer), false, at(0)).unwrap();
            assert_eq!(policy.lifetime_action.action, action);
            assert_eq!(policy.lifetime_action.trigger, Trigger::LifetimePercentage(80));
            assert_eq!(policy.issuer.name.as_str(), issuer);
        }
    }

    #[test]
    fn update_replaces_whole_members() {
        let mut first = members("CN=a", "Self");
        first.key =
            Some(KeyMembers { key_size: Some(4096), exportable: Some(false), ..KeyMembers::default() });
        let policy = CertificatePolicy::new(first, false, at(5)).unwrap();
        let key = KeyMembers { kty: Some("EC".to_owned()), ..KeyMembers::default() };
        let update = PolicyMembers { key: Some(key), ..PolicyMembers::default() };
        let updated = policy.updated(update, false, at(9)).unwrap();
        assert_eq!((updated.key.kty(), updated.key.exportable), ("EC", true));
        assert_eq!((&updated.x509, &updated.issuer), (&policy.x509, &policy.issuer));
        assert_eq!((updated.created, updated.updated), (at(5), at(9)));
        let unchanged = policy.updated(PolicyMembers::default(), false, at(5)).unwrap();
        assert_eq!(unchanged, policy);
    }

    #[test]
    fn members_are_checked_together() {
        let months = |months| {
            Some(X509Members {
                subject: Some("CN=a".to_owned()),
                validity_months: Some(months),
                ..X509Members::default()
            })
        };
        let trigger = Trigger::DaysBeforeExpiry(90);
        let action = LifetimeAction { trigger, action: ActionType::AutoRenew };
        let actions = Some(vec![action]);
        let policy =
            PolicyMembers { x509: months(12), lifetime_actions: actions, ..PolicyMembers::default() };
        let policy = CertificatePolicy::new(policy, false, at(0)).unwrap();
        let shorter = PolicyMembers { x509: months(3), ..PolicyMembers::default() };
        let error = policy.updated(shorter, false, at(1)).unwrap_err().to_string();
        assert!(error.starts_with("policy.lifetime_actions.days_before_expiry: "), "{error}");
        let hsm = KeyMembers { kty: Some("RSA-HSM".to_owned()), ..KeyMembers::default() };
        let hsm = PolicyMembers { key: Some(hsm), ..PolicyMembers::default() };
        assert!(policy.updated(hsm.clone(), true, at(1)).is_ok());
        let error = policy.updated(hsm, false, at(1)).unwrap_err().to_string();
        assert!(error.starts_with("policy.key.kty: "), "{error}");
    }

    #[test]
    fn import_keeps_contents_of_certificate() {
        let x509 = X509Members { subject: Some("CN=b".to_owned()), ..X509Members::default() };
        let contents = ImportedContents {
            key_type: KeyType::Rsa { bits: 3072 },
            content_type: ContentType::Pem,
            x509: X509Properties { ca: true, ekus: Vec::new(), ..X509Properties::parse(x509).unwrap() },
        };
        let derived =
            CertificatePolicy::imported(PolicyMembers::default(), contents.clone(), false, at(0)).unwrap();
        assert_eq!(derived.issuer.issuer(), Issuer::Unknown);
        assert_eq!(derived.lifetime_action.action, ActionType::EmailContacts);
        assert_eq!((derived.key.exportable, derived.key.key_size()), (true, 3072));
        assert_eq!((derived.content_type, derived.x509.ca), (ContentType::Pem, true));
        let mut given = members("CN=ignored", "Self");
        given.key = Some(KeyMembers { exportable: Some(false), ..KeyMembers::default() });
        let policy = CertificatePolicy::imported(given, contents, false, at(0)).unwrap();
        assert_eq!(policy.x509, derived.x509);
        assert_eq!((policy.key.exportable, policy.key.key_size()), (false, 3072));
        assert_eq!(policy.lifetime_action.action, ActionType::AutoRenew);
    }

    #[test]
    fn policies_survive_serialization() {
        let policy = CertificatePolicy::new(members("CN=a", "self"), true, at(7)).unwrap();
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<CertificatePolicy>(&json).unwrap(), policy);
    }
}
