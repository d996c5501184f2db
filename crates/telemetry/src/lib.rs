//! The metrics of the service, each with its name, kind, labels and meaning, and the target of its traces.
//!
//! Code records a metric with the macros of the `metrics` crate and a name of this crate. Without a recorder, which only the server
//! installs, that has no effect. Names and units follow the
//! [conventions of Prometheus](https://prometheus.io/docs/practices/naming/).

mod catalogue;

pub use catalogue::*;

/// The target of the spans that are exported as traces. Logs have other targets, so that a filter for one does not apply to the other.
pub const TRACES: &str = "strongroom::traces";

/// How a metric behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only increases, from zero at the start of the process.
    Counter,
    /// The current value.
    Gauge,
    /// The number of observations in each of several ranges, and their sum.
    Histogram,
}

impl Kind {
    /// Returns the name of the kind in the text format of Prometheus.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric of the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metric {
    /// The name, with the unit as suffix.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it measures: one sentence or two.
    pub help: &'static str,
}

/// Registers the meaning of all metrics with the recorder of the process.
pub fn describe_all() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let mut names = BTreeSet::new();
        for Metric { name, kind, labels, help } in ALL {
            assert!(names.insert(name), "{name} is listed twice");
            let is_process = name.starts_with("process_");
            assert!(is_process || name.starts_with("strongroom_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(
                *kind != Kind::Histogram || name.ends_with("_seconds") || name.ends_with("_records"),
                "{name}"
            );
            assert!(help.ends_with('.') && !help.starts_with(' '), "{name}: {help:?}");
            for label in *labels {
                assert!(
                    label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                    "{name}: {label}"
                );
            }
        }
    }
}
