//! Options for the common members of a policy.

use clap::{ArgAction, Args};

use crate::api::grpc::pb;

/// Members of a policy. Those that are not given keep their values, or have their defaults.
#[derive(Args, Clone, PartialEq, Debug, Default)]
pub(super) struct PolicyOptions {
    /// Subject, for example "CN=www.example.com, O=Example"
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    subject: Option<String>,
    /// Domain name among the subject alternative names (repeatable)
    #[arg(long = "dns", value_name = "NAME", help_heading = "Policy")]
    dns_names: Vec<String>,
    /// Email address among the subject alternative names (repeatable)
    #[arg(long = "email", value_name = "ADDRESS", help_heading = "Policy")]
    emails: Vec<String>,
    /// User principal name among the subject alternative names (repeatable)
    #[arg(long = "upn", value_name = "NAME", help_heading = "Policy")]
    upns: Vec<String>,
    /// URI among the subject alternative names (repeatable)
    #[arg(long = "uri", value_name = "URI", help_heading = "Policy")]
    uris: Vec<String>,
    /// IP address among the subject alternative names (repeatable)
    #[arg(long = "ip", value_name = "ADDRESS", help_heading = "Policy")]
    ip_addresses: Vec<String>,
    /// Validity in months [default: 12]
    #[arg(long, value_name = "MONTHS", help_heading = "Policy")]
    months: Option<u32>,
    /// Extended key usages as object identifiers [default: TLS server and client authentication]
    #[arg(long = "eku", value_delimiter = ',', value_name = "OIDS", help_heading = "Policy")]
    ekus: Vec<String>,
    /// Key usages [default: digitalSignature,keyEncipherment]
    #[arg(long, value_delimiter = ',', value_name = "USAGES", help_heading = "Policy")]
    key_usage: Vec<String>,
    /// Type of the key [default: RSA]
    #[arg(long, value_parser = ["RSA", "EC", "RSA-HSM", "EC-HSM"], help_heading = "Policy")]
    kty: Option<String>,
    /// Size of an RSA key in bits: 2048, 3072 or 4096 [default: 2048]
    #[arg(long, value_name = "BITS", conflicts_with = "curve", help_heading = "Policy")]
    size: Option<u32>,
    /// Curve of an EC key [default: P-256]
    #[arg(long, value_parser = ["P-256", "P-256K", "P-384", "P-521"], help_heading = "Policy")]
    curve: Option<String>,
    /// Whether the secret contains the private key [default: true, and false for RSA-HSM and EC-HSM]
    #[arg(long, action = ArgAction::Set, value_name = "true|false", help_heading = "Policy")]
    exportable: Option<bool>,
    /// Whether a new version has the key of the version before [default: false]
    #[arg(long, action = ArgAction::Set, value_name = "true|false", help_heading = "Policy")]
    reuse_key: Option<bool>,
    /// Format of the secret [default: application/x-pkcs12]
    #[arg(long, value_parser = ["application/x-pkcs12", "application/x-pem-file"], help_heading = "Policy")]
    content_type: Option<String>,
    /// Self, Unknown for a request that is signed elsewhere, or an issuer of the vault [default: Self]
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    issuer: Option<String>,
    /// Type of certificate that the issuer is asked for, for example OV-SSL; stored only
    #[arg(long, value_name = "TYPE", help_heading = "Policy")]
    certificate_type: Option<String>,
    /// What is done before expiry [default: AutoRenew, and EmailContacts for the issuer Unknown]
    #[arg(long, value_parser = ["AutoRenew", "EmailContacts"], help_heading = "Policy")]
    action: Option<String>,
    /// When it is done: this number of days before expiry
    #[arg(long, value_name = "DAYS", conflicts_with = "lifetime_percentage", help_heading = "Policy")]
    days_before_expiry: Option<u32>,
    /// When it is done: after this percentage of the lifetime [default: 80]
    #[arg(long, value_name = "PERCENT", help_heading = "Policy")]
    lifetime_percentage: Option<u32>,
}

impl PolicyOptions {
    /// Whether no option is given.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Changes a policy, and returns the members that changed.
    pub(super) fn apply(self, policy: &mut pb::CertificatePolicy) -> Vec<&'static str> {
        let before = policy.clone();
        let Self { subject, dns_names, emails, upns, uris, ip_addresses, months, ekus, key_usage, .. } = self;
        let names = pb::CertificateAlternativeNames { dns_names, emails, upns, uris, ip_addresses };
        let has_names = names != pb::CertificateAlternativeNames::default();
        if subject.is_some() || has_names || months.is_some() || !ekus.is_empty() || !key_usage.is_empty() {
            let x509 = policy.x509.get_or_insert_default();
            x509.subject = subject.or(x509.subject.take());
            x509.sans = if has_names { Some(names) } else { x509.sans.take() };
            x509.validity_months = months.or(x509.validity_months);
            if !ekus.is_empty() {
                x509.ekus = Some(pb::CertificateExtendedKeyUsages { oids: ekus });
            }
            if !key_usage.is_empty() {
                x509.key_usage = Some(pb::CertificateKeyUsages { names: key_usage });
            }
        }
        if let Some(kty) = self.kty {
            let key = policy.key.get_or_insert_default();
            // Size, curve and the default of `exportable` depend on the type.
            if key.kty.as_ref() != Some(&kty) {
                let reuse_key = key.reuse_key;
                *key = pb::CertificateKeyProperties { kty: Some(kty), reuse_key, ..Default::default() };
            }
        }
        if self.size.is_some() || self.curve.is_some() {
            // The size of an EC key is that of its curve.
            let key = policy.key.get_or_insert_default();
            (key.key_size, key.crv) = (self.size, self.curve);
        }
        if self.exportable.is_some() || self.reuse_key.is_some() {
            let key = policy.key.get_or_insert_default();
            key.exportable = self.exportable.or(key.exportable);
            key.reuse_key = self.reuse_key.or(key.reuse_key);
        }
        if self.content_type.is_some() {
            policy.secret = Some(pb::CertificateSecretProperties { content_type: self.content_type });
        }
        if self.issuer.is_some() || self.certificate_type.is_some() {
            let issuer = policy.issuer.get_or_insert_default();
            if let Some(name) = self.issuer {
                issuer.name = name;
            }
            issuer.certificate_type = self.certificate_type.or(issuer.certificate_type.take());
            if issuer.name.is_empty() {
                issuer.name = "Self".to_owned();
            }
        }
        let (days, percentage) = (self.days_before_expiry, self.lifetime_percentage);
        if self.action.is_some() || days.is_some() || percentage.is_some() {
            let known = policy.lifetime_actions.pop().unwrap_or_default();
            let (days, percentage) = match (days, percentage) {
                (None, None) => (known.days_before_expiry, known.lifetime_percentage),
                given => given,
            };
            let is_unknown =
                policy.issuer.as_ref().is_some_and(|one| one.name.eq_ignore_ascii_case("Unknown"));
            let default = if is_unknown { "EmailContacts" } else { "AutoRenew" };
            let known = Some(known.action).filter(|action| !action.is_empty());
            let action = self.action.or(known).unwrap_or_else(|| default.to_owned());
            policy.lifetime_actions = vec![pb::CertificateLifetimeAction {
                action,
                lifetime_percentage: percentage.or_else(|| days.is_none().then_some(80)),
                days_before_expiry: days,
            }];
        }
        let changed = [
            ("key", policy.key != before.key),
            ("secret", policy.secret != before.secret),
            ("x509", policy.x509 != before.x509),
            ("lifetime_actions", policy.lifetime_actions != before.lifetime_actions),
            ("issuer", policy.issuer != before.issuer),
        ];
        changed.into_iter().filter(|(_, changed)| *changed).map(|(member, _)| member).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: PolicyOptions,
    }

    fn apply(arguments: &str, policy: &mut pb::CertificatePolicy) -> Vec<&'static str> {
        let line = Line::try_parse_from(std::iter::once("create").chain(arguments.split_whitespace()));
        line.unwrap().options.apply(policy)
    }

    #[test]
    fn options_set_the_members_they_belong_to() {
        let mut policy = pb::CertificatePolicy::default();
        assert!(apply("", &mut policy).is_empty() && policy == pb::CertificatePolicy::default());
        assert_eq!(
            apply("--subject CN=a --dns a.example --dns b.example --ip 192.0.2.1", &mut policy),
            ["x509"]
        );
        let names = policy.x509.clone().unwrap().sans.unwrap();
        assert_eq!(
            (names.dns_names, names.ip_addresses),
            (vec!["a.example".into(), "b.example".into()], vec!["192.0.2.1".into()])
        );
        assert_eq!(apply("--months 3 --key-usage cRLSign,keyCertSign", &mut policy), ["x509"]);
        let x509 = policy.x509.clone().unwrap();
        assert_eq!((x509.subject.as_deref(), x509.validity_months), (Some("CN=a"), Some(3)));
        assert_eq!(x509.key_usage.unwrap().names, ["cRLSign", "keyCertSign"]);
        assert!(x509.sans.is_some() && x509.ekus.is_none());
        assert_eq!(apply("--content-type application/x-pem-file", &mut policy), ["secret"]);
        assert_eq!(apply("--certificate-type OV-SSL", &mut policy), ["issuer"]);
        assert_eq!(policy.issuer.as_ref().unwrap().name, "Self");
        // What has the value already does not change.
        assert!(apply("--months 3 --issuer Self", &mut policy).is_empty());
    }

    #[test]
    fn new_type_of_key_has_its_own_defaults() {
        let mut policy = pb::CertificatePolicy::default();
        assert_eq!(apply("--size 3072 --reuse-key true --exportable false", &mut policy), ["key"]);
        assert_eq!(apply("--size 4096", &mut policy), ["key"]);
        assert_eq!(policy.key.as_ref().unwrap().exportable, Some(false));
        assert_eq!(apply("--kty EC", &mut policy), ["key"]);
        let key = policy.key.unwrap();
        assert_eq!(
            (key.kty.as_deref(), key.key_size, key.crv, key.reuse_key),
            (Some("EC"), None, None, Some(true))
        );
        assert_eq!(key.exportable, None);
    }

    #[test]
    fn lifetime_action_has_defaults_by_issuer() {
        let action = |arguments: &str| {
            let mut policy = pb::CertificatePolicy::default();
            assert!(apply(arguments, &mut policy).contains(&"lifetime_actions"));
            let action = policy.lifetime_actions.remove(0);
            (action.action, action.days_before_expiry, action.lifetime_percentage)
        };
        assert_eq!(action("--days-before-expiry 30"), ("AutoRenew".to_owned(), Some(30), None));
        assert_eq!(action("--action EmailContacts"), ("EmailContacts".to_owned(), None, Some(80)));
        let unknown = action("--issuer unknown --lifetime-percentage 50");
        assert_eq!(unknown, ("EmailContacts".to_owned(), None, Some(50)));
        let mut policy = pb::CertificatePolicy::default();
        apply("--days-before-expiry 30", &mut policy);
        apply("--lifetime-percentage 50", &mut policy);
        let action = &policy.lifetime_actions[0];
        assert_eq!((action.days_before_expiry, action.lifetime_percentage), (None, Some(50)));
        apply("--action EmailContacts", &mut policy);
        assert_eq!(policy.lifetime_actions[0].lifetime_percentage, Some(50));
    }
}
