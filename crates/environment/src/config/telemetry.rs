//! Settings of metrics and traces.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Mode};

/// The address at which a simulator serves metrics by default.
const SIMULATOR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8445);

/// Metrics, for Prometheus.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// The address at which they are served, by plain HTTP and without credentials, or `off`. By default, that of a simulator is
    /// `127.0.0.1:8445`, and a gateway serves none.
    pub listen: Option<MetricsAddress>,
}

impl Metrics {
    /// Returns the address at which metrics are served, if they are.
    pub fn address(&self, mode: Mode) -> Option<SocketAddr> {
        match (self.listen, mode) {
            (Some(MetricsAddress::At(address)), _) => Some(address),
            (Some(MetricsAddress::Off), _) | (None, Mode::Gateway) => None,
            (None, Mode::Simulator) => Some(SIMULATOR),
        }
    }
}

/// Where metrics are served: an address, or `off`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MetricsAddress {
    /// Nowhere.
    Off,
    /// At this address.
    At(SocketAddr),
}

impl FromStr for MetricsAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let expected =
            |_| format!("{text:?} is neither an address with a port, such as 127.0.0.1:8445, nor `off`");
        text.parse().map(Self::At).map_err(expected)
    }
}

impl TryFrom<String> for MetricsAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for MetricsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) => write!(f, "{address}"),
        }
    }
}

impl From<MetricsAddress> for String {
    fn from(address: MetricsAddress) -> Self {
        address.to_string()
    }
}

/// Traces, exported over OTLP (<https://opentelemetry.io/docs/specs/otlp/>).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// The URL of a collector that receives OTLP over gRPC, for example `http://127.0.0.1:4317`. Absent: nothing is traced.
    pub endpoint: Option<String>,
    /// The share of requests without trace context that are traced, from 0 to 1. Whether a request with trace context is traced is
    /// decided by its sender.
    pub sample_ratio: f64,
}

impl Default for Traces {
    fn default() -> Self {
        Self { endpoint: None, sample_ratio: 1.0 }
    }
}

impl Traces {
    /// Checks the values.
    ///
    /// # Errors
    /// If the endpoint is no URL of HTTP or HTTPS, or the ratio is not from 0 to 1.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let is_url = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if self.endpoint.as_ref().is_some_and(|endpoint| !is_url(endpoint)) {
            return Err(ConfigError::new("traces.endpoint: must be an http:// or https:// URL"));
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return Err(ConfigError::new("traces.sample_ratio: must be from 0 to 1"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_served_by_default_in_a_simulator_only() {
        let listen = |text: &str| Metrics { listen: Some(text.parse().unwrap()) };
        assert_eq!(Metrics::default().address(Mode::Simulator), Some(SIMULATOR));
        assert_eq!(Metrics::default().address(Mode::Gateway), None);
        assert_eq!(listen("off").address(Mode::Simulator), None);
        assert_eq!(listen("10.0.0.1:9").address(Mode::Gateway), Some("10.0.0.1:9".parse().unwrap()));
        assert!("8445".parse::<MetricsAddress>().unwrap_err().contains("neither an address"));
    }

    #[test]
    fn rejects_invalid_settings_of_traces() {
        let traces =
            |endpoint: &str, sample_ratio| Traces { endpoint: Some(endpoint.to_owned()), sample_ratio };
        assert!(traces("https://collector:4317", 0.5).validate().is_ok());
        assert!(traces("collector:4317", 0.5).validate().is_err());
        assert!(traces("http://collector:4317", 1.5).validate().is_err());
        assert!(traces("http://collector:4317", f64::NAN).validate().is_err());
    }
}
