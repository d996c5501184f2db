//! Reads metrics in the text format of Prometheus, as this service writes it
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use std::collections::BTreeMap;
use std::time::Instant;

/// The samples of one request.
pub(super) struct Samples {
    pub(super) at: Instant,
    samples: Vec<Sample>,
}

/// A value with its name and labels.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

impl Sample {
    /// Returns the value of a label; empty if there is none.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

impl Samples {
    /// Parses samples; skips comments, and lines that are no samples.
    pub(super) fn parse(text: &str, at: Instant) -> Self {
        Self { at, samples: text.lines().filter_map(parse_line).collect() }
    }

    /// Returns the samples with this name.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| sample.name == name)
    }

    /// Returns the sum of the samples with this name whose labels include these; 0 if there is none.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let includes = |sample: &&Sample| labels.iter().all(|(label, value)| sample.label(label) == *value);
        self.named(name).filter(includes).map(|sample| sample.value).sum()
    }

    /// Returns the only sample with this name, if there is one.
    pub(super) fn value(&self, name: &str) -> Option<f64> {
        self.named(name).next().map(|sample| sample.value)
    }
}

fn parse_line(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(labels) => parse_labels(labels)?,
        None => (BTreeMap::new(), rest),
    };
    let value = value.split_ascii_whitespace().next()?;
    Some(Sample { name: name.to_owned(), labels, value: value.parse().ok()? })
}

/// Parses labels up to the closing brace; returns them and the rest of the line.
fn parse_labels(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(end) = rest.strip_prefix('}') {
            return Some((labels, end));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (value, end) = parse_quoted(quoted)?;
        labels.insert(name.to_owned(), value);
        rest = end;
    }
}

/// Parses a value up to the closing quote; returns it and the rest of the line.
fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(index + 1..)?)),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_samples_with_escaped_labels() {
        let text = "# HELP a text\n# TYPE a counter\na{b=\"x\\\"y\\\\z\",c=\"\"} 3\n\nd 2.5 1700000000\ne{} +Inf\nbroken{\n";
        let samples = Samples::parse(text, Instant::now());
        let first = samples.named("a").next().unwrap();
        assert_eq!(
            (first.label("b"), first.label("c"), first.label("d"), first.value),
            ("x\"y\\z", "", "", 3.0)
        );
        assert_eq!(samples.value("d"), Some(2.5));
        assert_eq!(samples.value("e"), Some(f64::INFINITY));
        assert_eq!(samples.samples.len(), 3);
        assert_eq!(samples.sum("a", &[("c", "")]), 3.0);
        assert_eq!(samples.sum("a", &[("c", "x")]), 0.0);
    }
}
