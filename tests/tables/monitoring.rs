//! Checks that the documentation of metrics lists the catalogue, and that dashboard and alert rules use it correctly.

use std::collections::BTreeSet;
use std::fs;

use promql_parser::label::Matchers;
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use strongroom::telemetry::{ALL, Kind, Metric};

const DASHBOARD: &str = "docs/monitoring/grafana-dashboard.json";
const ALERTS: &str = "docs/monitoring/alerts.yaml";
const PAGE: &str = "docs/metrics.md";
const OPERATIONS: &str = "docs/operations.md";

/// Labels that Prometheus adds to each series.
const ADDED: &[&str] = &["instance", "job"];

/// Collects what is wrong with the series that an expression selects.
struct Check(Vec<String>);

impl ExprVisitor for Check {
    type Error = String;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        match expression {
            Expr::VectorSelector(VectorSelector { name, matchers, .. }) => {
                self.check(name.as_deref(), matchers)
            }
            Expr::MatrixSelector(selector) => self.check(selector.vs.name.as_deref(), &selector.vs.matchers),
            _ => {}
        }
        Ok(true)
    }
}

impl Check {
    fn check(&mut self, name: Option<&str>, matchers: &Matchers) {
        let name = name.unwrap_or_default();
        // Prometheus itself records whether a target answers.
        if name == "up" {
            return;
        }
        let Some(metric) = metric(name) else {
            self.0.push(format!("there is no metric {name}"));
            return;
        };
        for matcher in &matchers.matchers {
            let label = matcher.name.as_str();
            if !metric.labels.contains(&label) && !ADDED.contains(&label) {
                self.0.push(format!("{name} has no label {label}"));
            }
        }
    }
}

/// Returns the metric of a series: histograms have series with suffixes.
fn metric(series: &str) -> Option<&'static Metric> {
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| series.strip_suffix(suffix));
    ALL.iter().find(|metric| match metric.kind {
        Kind::Histogram => of_histogram == Some(metric.name),
        Kind::Counter | Kind::Gauge => series == metric.name,
    })
}

fn mistakes(expression: &str) -> Vec<String> {
    let parsed = parser::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let mut check = Check(Vec::new());
    walk_expr(&mut check, &parsed).unwrap();
    check.0
}

/// The values of all members named `expr` in a JSON document.
fn expressions(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::Object(members) => {
            let own = members.get("expr").and_then(|text| text.as_str()).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(expressions)).collect()
        }
        serde_json::Value::Array(items) => items.iter().flat_map(expressions).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn dashboard_and_alerts_use_metrics_that_exist() {
    let dashboard: serde_json::Value = serde_json::from_str(&fs::read_to_string(DASHBOARD).unwrap()).unwrap();
    let alerts = fs::read_to_string(ALERTS).unwrap();
    let rules = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned);
    let expressions: Vec<String> = expressions(&dashboard).into_iter().chain(rules).collect();
    assert!(expressions.len() > 35, "{}", expressions.len());
    for expression in expressions {
        let mistakes = mistakes(&expression);
        assert!(mistakes.is_empty(), "{expression}: {mistakes:?}");
    }
}

#[test]
fn mistakes_in_expressions_are_found() {
    assert_eq!(mistakes("rate(strongroom_calls[5m])"), ["there is no metric strongroom_calls"]);
    assert_eq!(
        mistakes("sum(strongroom_calls_total{verb=\"x\", job=\"y\"})"),
        ["strongroom_calls_total has no label verb"]
    );
    assert!(
        mistakes("strongroom_call_duration_seconds").len() == 1,
        "a histogram has no series of its own name"
    );
    assert!(mistakes("strongroom_call_duration_seconds_bucket{le=\"1\"}").len() == 1);
}

#[test]
fn operations_page_describes_every_alert() {
    let alerts = fs::read_to_string(ALERTS).unwrap();
    let names: BTreeSet<&str> =
        alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() >= 15);
    let page = fs::read_to_string(OPERATIONS).unwrap();
    let described: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `Strongroom")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    let names: BTreeSet<&str> = names.iter().filter_map(|name| name.strip_prefix("Strongroom")).collect();
    assert_eq!(described, names);
}

#[test]
fn metrics_page_lists_the_catalogue() {
    let mut table = String::from("| metric | kind | labels | meaning |\n|---|---|---|---|\n");
    for Metric { name, kind, labels, help } in ALL {
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        table.push_str(&format!("| `{name}` | {} | {labels} | {help} |\n", kind.as_str()));
    }
    let page = fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once("| metric |").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap_or((rest, ""));
    let new = if after.is_empty() { format!("{before}{table}") } else { format!("{before}{table}\n{after}") };
    if new != page {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("metrics.md");
        fs::write(&path, &new).unwrap();
        panic!("the page does not list the catalogue: cp {} {PAGE}", path.display());
    }
}
