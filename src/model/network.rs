//! The network settings of a managed HSM. Stored and shown, not enforced: there is no network of Azure's around this
//! service.
//!
//! Source: `networkAcls` and `publicNetworkAccess` of `Microsoft.KeyVault/managedHSMs`.

use serde::{Deserialize, Serialize};

use super::{Error, Result};

/// Declares a choice of words, as Azure Resource Manager spells them; the first is the default. They are read in any
/// case, as Azure Resource Manager reads enumerations.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident in $field:literal {
        $(#[$first_doc:meta])* $first:ident, $($(#[$other_doc:meta])* $other:ident,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$other_doc])* $other,)+
        }

        impl $name {
            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => stringify!($first),
                    $(Self::$other => stringify!($other),)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                [Self::$first, $(Self::$other,)+]
                    .into_iter()
                    .find(|choice| choice.as_str().eq_ignore_ascii_case(text))
                    .ok_or_else(|| {
                        Error::invalid(
                            $field,
                            concat!(stringify!($first), $(" or ", stringify!($other),)+ " is needed"),
                        )
                    })
            }
        }
    };
}

choice! {
    /// Whether the data plane is to be reached over the public network.
    PublicNetworkAccess in "network.public_network_access" {
        /// From everywhere the rules allow.
        Enabled,
        /// Only by trusted services and private endpoints.
        Disabled,
    }
}

choice! {
    /// What happens to callers whom no rule names.
    DefaultAction in "network.default_action" {
        /// They are let in.
        Allow,
        /// They are not.
        Deny,
    }
}

choice! {
    /// Who passes without a rule.
    NetworkBypass in "network.bypass" {
        /// Azure's trusted services.
        AzureServices,
        /// Nobody.
        None,
    }
}

/// The network settings of an HSM.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NetworkRules {
    /// Whether it is public at all.
    pub public_network_access: PublicNetworkAccess,
    /// What happens where no rule fits.
    pub default_action: DefaultAction,
    /// Who passes without a rule.
    pub bypass: NetworkBypass,
    /// IPv4 addresses and ranges (CIDR) that are let in; at most 10.
    pub ip_rules: Vec<String>,
}

/// What is to become of network settings; what is `None` stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NetworkChanges {
    /// Whether it is public at all.
    pub public_network_access: Option<PublicNetworkAccess>,
    /// What happens where no rule fits.
    pub default_action: Option<DefaultAction>,
    /// Who passes without a rule.
    pub bypass: Option<NetworkBypass>,
    /// All rules there will be.
    pub ip_rules: Option<Vec<String>>,
}

impl NetworkChanges {
    /// The settings that come of others.
    ///
    /// # Errors
    /// `Invalid` naming `network.ip_rules`.
    pub fn apply(self, to: &NetworkRules) -> Result<NetworkRules> {
        let rules = NetworkRules {
            public_network_access: self.public_network_access.unwrap_or(to.public_network_access),
            default_action: self.default_action.unwrap_or(to.default_action),
            bypass: self.bypass.unwrap_or(to.bypass),
            ip_rules: self.ip_rules.unwrap_or_else(|| to.ip_rules.clone()),
        };
        rules.check()?;
        Ok(rules)
    }
}

impl From<NetworkRules> for NetworkChanges {
    /// Everything, as it is in the rules.
    fn from(rules: NetworkRules) -> Self {
        Self {
            public_network_access: Some(rules.public_network_access),
            default_action: Some(rules.default_action),
            bypass: Some(rules.bypass),
            ip_rules: Some(rules.ip_rules),
        }
    }
}

impl NetworkRules {
    /// At most so many rules (`networkAcls.ipRules`).
    const MOST: usize = 10;

    /// Whether they keep the service's limits.
    ///
    /// # Errors
    /// `Invalid` naming `network.ip_rules`.
    pub fn check(&self) -> Result<()> {
        let wrong = |why: &str| Err(Error::invalid("network.ip_rules", why));
        if self.ip_rules.len() > Self::MOST {
            return wrong("there are at most 10 rules");
        }
        let is_range = |rule: &String| {
            let (address, bits) = rule.split_once('/').unwrap_or((rule, "32"));
            address.parse::<std::net::Ipv4Addr>().is_ok_and(|address| !address.is_private())
                && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)
        };
        if self.ip_rules.iter().all(is_range) {
            Ok(())
        } else {
            wrong("a rule is a public IPv4 address or range, for example 203.0.113.0/24")
        }
    }
}
