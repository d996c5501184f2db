//! The query parameters of a request: `api-version`, page and filter of a list.

use axum::extract::Query as Pairs;
use http::Uri;

use crate::model::{Error, Field, Result};
use crate::ops::PageRequest;

/// The query parameters of a request.
#[derive(Default)]
pub(in crate::api) struct Query {
    pairs: Vec<(String, String)>,
    /// Whether the query is malformed.
    malformed: bool,
}

impl Query {
    /// Parses the query of a request.
    pub(in crate::api) fn of(uri: &Uri) -> Self {
        match Pairs::try_from_uri(uri) {
            Ok(Pairs(pairs)) => Self { pairs, malformed: false },
            Err(_) => Self { pairs: Vec::new(), malformed: true },
        }
    }

    /// Returns a parameter, whose name is matched ignoring case.
    pub(in crate::api) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the `api-version` if it is well-formed; empty otherwise.
    pub(in crate::api) fn api_version(&self) -> &str {
        self.get("api-version").filter(|version| is_version(version)).unwrap_or_default()
    }

    /// Checks that the `api-version` is well-formed. Every version is accepted: versions differ in their routes and
    /// members only. `required`: whether its absence is an error.
    ///
    /// # Errors
    /// `Invalid`.
    // assumption: it is not required where nothing is changed and no key is used: some clients omit it there.
    pub(in crate::api) fn check_api_version(&self, required: bool) -> Result<()> {
        if self.malformed {
            return Err(Error::invalid(Field::Unnamed, "The query of the request cannot be read."));
        }
        match self.get("api-version") {
            None if !required => Ok(()),
            None => Err(Error::invalid(Field::Unnamed, "api-version must be specified")),
            Some(version) if is_version(version) => Ok(()),
            Some(_) => Err(Error::invalid(
                Field::ApiVersion,
                "this is not a version like 7.6, 7.6-preview.2, 2025-07-01 or 2026-01-01-preview",
            )),
        }
    }

    /// Returns the requested page of a list: `most` items, unless the parameter `size_name` is less.
    ///
    /// # Errors
    /// `Invalid` naming the parameter.
    pub(in crate::api) fn page(&self, size_name: Field, most: usize) -> Result<PageRequest> {
        let wrong = || Error::invalid(size_name, format!("{size_name} must be 1 to {most}"));
        // 0 is the default of `PageRequest`, not a valid parameter.
        let size: i32 =
            self.get(size_name.azure_member()).map_or(Ok(0), |text| text.parse().map_err(|_| wrong()))?;
        let given = self.get(size_name.azure_member()).is_some();
        if given && !usize::try_from(size).is_ok_and(|size| (1..=most).contains(&size)) {
            return Err(wrong());
        }
        PageRequest::parse(size, self.get("$skiptoken").unwrap_or_default(), most, most)
    }

    /// Returns the `$filter` of a list.
    pub(in crate::api) fn filter(&self) -> Option<&str> {
        self.get("$filter")
    }
}

/// Whether a text is a version like `7.6`, `7.6-preview.2`, `2025-07-01` or `2026-01-01-preview`.
fn is_version(text: &str) -> bool {
    let (version, preview) = match text.split_once("-preview") {
        Some((version, preview)) => (version, Some(preview)),
        None => (text, None),
    };
    let is_number =
        |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let known = match version.split(['.', '-']).collect::<Vec<_>>()[..] {
        [major, minor] => version.contains('.') && is_number(major) && is_number(minor),
        [year, month, day] => {
            !version.contains('.')
                && (year.len(), month.len(), day.len()) == (4, 2, 2)
                && [year, month, day].into_iter().all(is_number)
        }
        _ => false,
    };
    known && preview.is_none_or(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::of(&format!("https://h/keys?{text}").parse().unwrap())
    }

    #[test]
    fn accepts_well_formed_api_versions_only() {
        for version in [
            "7.0",
            "7.2-preview",
            "7.4-preview.1",
            "7.6",
            "7.6-preview.2",
            "2025-07-01",
            "2026-03-01-preview",
            "2030-01-01",
        ] {
            let query = query(&format!("api-version={version}"));
            assert!(query.check_api_version(true).is_ok(), "{version}");
            assert_eq!(query.api_version(), version);
        }
        for version in [
            "",
            "7",
            "7.",
            ".6",
            "latest",
            "7.6-beta",
            "7.6-preview.",
            "7.6-previewx",
            "2025-7-1",
            "2025.07.01",
            "7-6",
            "7.6%0d%0a",
            "77777.1",
            "%ff",
        ] {
            let query = query(&format!("api-version={version}"));
            assert!(query.check_api_version(false).is_err(), "{version}");
            assert_eq!(query.api_version(), "");
        }
        assert!(query("").check_api_version(false).is_ok());
        assert!(query("maxresults=3").check_api_version(true).is_err());
    }

    #[test]
    fn page_size_is_1_to_25() {
        let page = |text: &str| query(text).page(Field::MaxResults, 25);
        assert_eq!(page("").unwrap(), PageRequest { size: 25, after: None });
        let third = PageRequest { size: 3, after: Some("a-1".to_owned()) };
        for text in ["maxresults=3&$skiptoken=a-1", "%24skiptoken=a-1&api-version=7.6&maxresults=3"] {
            assert_eq!(page(text).unwrap(), third, "{text}");
        }
        for text in [
            "maxresults=0",
            "maxresults=26",
            "maxresults=-1",
            "maxresults=x",
            "maxresults=",
            "$skiptoken=%00",
        ] {
            assert!(page(text).is_err(), "{text}");
        }
    }
}
