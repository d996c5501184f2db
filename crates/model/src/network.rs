//! The network settings of a managed HSM or vault. They are stored and reported but not enforced, because the service has no
//! Azure network around it.
//!
//! Source: `networkAcls` and `publicNetworkAccess` of `Microsoft.KeyVault/managedHSMs`.

use serde::{Deserialize, Serialize};

use super::{Error, Field, Result};

/// Declares an enumeration spelled as in Azure Resource Manager; the first value is the default. Parsing ignores case,
/// as Azure Resource Manager does.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident in $field:ident {
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
            /// Returns the value's spelling in Azure Resource Manager.
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
                            Field::$field,
                            concat!("the value is ", stringify!($first), $(" or ", stringify!($other)),+),
                        )
                    })
            }
        }
    };
}

choice! {
    /// Whether the data plane is reachable over the public network.
    PublicNetworkAccess in NetworkPublicNetworkAccess {
        /// Reachable from every address that the rules allow.
        Enabled,
        /// Reachable only by trusted services and private endpoints.
        Disabled,
        /// Reachable by what the network security perimeter of the resource allows; of vaults only.
        SecuredByPerimeter,
    }
}

choice! {
    /// The action for clients that match no rule.
    DefaultAction in NetworkDefaultAction {
        /// Allows access.
        Allow,
        /// Denies access.
        Deny,
    }
}

choice! {
    /// The clients that bypass the rules.
    NetworkBypass in NetworkBypass {
        /// Azure's trusted services.
        AzureServices,
        /// No clients.
        None,
    }
}

/// The network settings of a container.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NetworkRules {
    /// Whether public network access is enabled.
    pub public_network_access: PublicNetworkAccess,
    /// The action for clients that match no rule.
    pub default_action: DefaultAction,
    /// The clients that bypass the rules.
    pub bypass: NetworkBypass,
    /// Allowed IPv4 addresses and ranges (CIDR); at most 10.
    pub ip_rules: Vec<String>,
}

/// A partial update of network settings; `None` leaves a setting unchanged.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NetworkChanges {
    /// Whether public network access is enabled.
    pub public_network_access: Option<PublicNetworkAccess>,
    /// The action for clients that match no rule.
    pub default_action: Option<DefaultAction>,
    /// The clients that bypass the rules.
    pub bypass: Option<NetworkBypass>,
    /// The complete new list of rules.
    pub ip_rules: Option<Vec<String>>,
}

impl NetworkChanges {
    /// Returns the settings `to` of a managed HSM with these changes applied.
    ///
    /// # Errors
    /// `Invalid` naming `network.ip_rules` or `network.public_network_access`.
    pub fn apply(self, to: &NetworkRules) -> Result<NetworkRules> {
        let rules = self.apply_up_to(to, NetworkRules::MAX_IP_RULES)?;
        rules.check()?;
        Ok(rules)
    }

    /// Returns the settings `to` of a vault with these changes applied. It has another maximum of the number of IP rules.
    ///
    /// # Errors
    /// `Invalid` naming `network.ip_rules`.
    pub fn apply_up_to(self, to: &NetworkRules, max_ip_rules: usize) -> Result<NetworkRules> {
        let rules = NetworkRules {
            public_network_access: self.public_network_access.unwrap_or(to.public_network_access),
            default_action: self.default_action.unwrap_or(to.default_action),
            bypass: self.bypass.unwrap_or(to.bypass),
            ip_rules: self.ip_rules.unwrap_or_else(|| to.ip_rules.clone()),
        };
        rules.check_up_to(max_ip_rules)?;
        Ok(rules)
    }
}

impl From<NetworkRules> for NetworkChanges {
    /// Changes every setting to the given rules.
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
    /// The maximum number of rules (`networkAcls.ipRules`).
    const MAX_IP_RULES: usize = 10;

    /// Checks the settings of a managed HSM: number and form of the IP rules, and the public network access.
    ///
    /// # Errors
    /// `Invalid` naming `network.ip_rules` or `network.public_network_access`.
    pub fn check(&self) -> Result<()> {
        if self.public_network_access == PublicNetworkAccess::SecuredByPerimeter {
            return Err(Error::invalid(
                Field::NetworkPublicNetworkAccess,
                "the value is Enabled or Disabled",
            ));
        }
        self.check_up_to(Self::MAX_IP_RULES)
    }

    fn check_up_to(&self, max_ip_rules: usize) -> Result<()> {
        let wrong = |why: &str| Err(Error::invalid(Field::NetworkIpRules, why));
        if self.ip_rules.len() > max_ip_rules {
            return wrong(&format!("there are at most {max_ip_rules} rules"));
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
