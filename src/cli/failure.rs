//! Failures of commands: their message, details, hint and exit code.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use tonic::Code;
use tonic_types::StatusExt;

use super::{connect_error, table};

/// The result of a step of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command ends early or with a nonzero exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The result is negative (invalid signature, access denied) and has been printed.
    NegativeResult,
    /// The reader of standard output has closed it. Not an error: the exit code is 0.
    OutputClosed,
    /// The arguments contradict each other.
    Usage(String),
    /// The command failed.
    Problem(Box<Problem>),
}

/// The message, details and hint of a failed command.
#[derive(Debug)]
pub(crate) struct Problem {
    message: String,
    details: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    /// Returns a failure with this message.
    pub(crate) fn problem(message: impl Into<String>) -> Self {
        Self::Problem(Box::new(Problem { message: message.into(), details: Vec::new(), hint: None }))
    }

    /// Returns the failure of an operation on a file or stream.
    pub(crate) fn file(what: impl Display, error: &io::Error) -> Self {
        Self::problem(format!("{what}: {error}"))
    }

    /// Prefixes the message with the file or stream it is about.
    pub(crate) fn within(mut self, source: impl Display) -> Self {
        if let Self::Problem(problem) = &mut self {
            problem.message = format!("{source}: {}", problem.message);
        }
        self
    }

    /// Adds a hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Problem(problem) = &mut self {
            problem.hint = Some(hint.into());
        }
        self
    }

    /// Writes the failure to standard error and returns the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (code, text) = match self {
            Self::NegativeResult => (1, String::new()),
            Self::OutputClosed => (0, String::new()),
            Self::Usage(message) => {
                (2, format!("error: {}\n\nFor more information, try '--help'.\n", table::printable(&message)))
            }
            Self::Problem(problem) => (1, problem.text()),
        };
        // A closed standard error cannot be reported anywhere.
        let _ = io::stderr().write_all(text.as_bytes());
        ExitCode::from(code)
    }
}

impl Problem {
    fn text(&self) -> String {
        let mut text = String::from("error: ");
        // Messages of this program may have several lines, for example the parse error of a file.
        for line in self.message.trim_end().lines() {
            text.push_str(&table::printable(line));
            text.push('\n');
        }
        for detail in &self.details {
            text.push_str(&table::printable(detail));
            text.push('\n');
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("hint: {}\n", table::printable(hint)));
        }
        text
    }
}

impl From<crate::model::Error> for Failure {
    fn from(error: crate::model::Error) -> Self {
        Self::problem(error.with_causes().to_string())
    }
}

impl From<crate::model::field::InvalidValue> for Failure {
    fn from(error: crate::model::field::InvalidValue) -> Self {
        Self::problem(error.to_string())
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::problem(error.to_string())
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        if let Some(source) = std::error::Error::source(&status)
            && let Some(failure) = connect_error::diagnose("the server", source)
        {
            return failure;
        }
        let message = match status.message() {
            "" => status.code().description().to_owned(),
            // The message of tonic for a timeout of the client.
            "Timeout expired" => "the server did not answer in time".to_owned(),
            message => message.to_owned(),
        };
        let hint = hint(&status);
        let message = table::printable(&message);
        Self::Problem(Box::new(Problem { message, details: details(&status), hint }))
    }
}

/// Formats the details of the rich error model (`google.rpc.ErrorInfo`, `BadRequest` and `RetryInfo`), one per line.
fn details(status: &tonic::Status) -> Vec<String> {
    let all = status.get_error_details();
    let mut lines = Vec::new();
    if let Some(info) = all.error_info() {
        // Part of the hint.
        let in_hint = |name: &str| matches!(name, "plane" | "roles");
        let mut members: Vec<_> = info.metadata.iter().filter(|(name, _)| !in_hint(name)).collect();
        members.sort();
        // The action and its scope form one entry.
        let mut entries = Vec::new();
        if let (Some(action), Some(scope)) = (info.metadata.get("action"), info.metadata.get("scope")) {
            entries.push(format!("action {action} at {scope}"));
            members.retain(|(name, _)| *name != "action" && *name != "scope");
        }
        entries.extend(members.into_iter().map(|(name, value)| format!("{name} {value}")));
        let brackets = if entries.is_empty() { String::new() } else { format!(" ({})", entries.join(", ")) };
        lines.push(format!("reason: {}{brackets}", info.reason));
    }
    if let Some(request) = all.bad_request() {
        for violation in &request.field_violations {
            let line = format!("field {}: {}", violation.field, violation.description);
            // The message repeats the violation if there is only one.
            if !line.contains(status.message()) && !status.message().contains(&violation.description) {
                lines.push(line);
            }
        }
    }
    if let Some(delay) = all.retry_info().and_then(|retry| retry.retry_delay) {
        lines.push(format!("retry in {} ms", delay.as_millis()));
    }
    lines
}

/// Returns the hint for a status code.
fn hint(status: &tonic::Status) -> Option<String> {
    let hint = match status.code() {
        Code::Unauthenticated if status.message().contains("another audience") => Some(
            "each plane has its own audience: STRONGROOM_TOKEN is sent to data planes, STRONGROOM_VAULT_TOKEN to vaults, \
             STRONGROOM_MANAGEMENT_TOKEN to the control plane; `strongroom token --plane PLANE` prints a new access token",
        ),
        Code::Unauthenticated => {
            Some("the access token was rejected; `strongroom token --as PRINCIPAL` prints a new one")
        }
        Code::PermissionDenied => return Some(missing_role_hint(status)),
        Code::Cancelled | Code::DeadlineExceeded => Some(
            "the operation may still have taken effect: check before you retry, or set a longer --timeout",
        ),
        // Strongroom adds an ErrorInfo to its own UNIMPLEMENTED errors; without one, the method is unknown.
        Code::Unimplemented if status.get_details_error_info().is_none() => Some(
            "the server does not have this method: check that it is Strongroom, and not older than this program",
        ),
        _ => None,
    };
    hint.map(str::to_owned)
}

/// Returns the hint for a missing role: the roles that grant the action, and the command that lists role assignments.
fn missing_role_hint(status: &tonic::Status) -> String {
    let metadata = status.get_details_error_info().map(|info| info.metadata).unwrap_or_default();
    let value_of = |name| metadata.get(name).map(String::as_str).unwrap_or_default();
    let (command, shown) = match value_of("plane") {
        "vault" if !value_of("permission").is_empty() => ("vault show NAME", "access policies"),
        "vault" => ("control role assignment list --scope SCOPE", "role assignments"),
        "control" => ("control role assignment list", "role assignments"),
        _ => ("role assignment list", "role assignments"),
    };
    let list_hint =
        format!("`strongroom {command}` shows the {shown}; --as PRINCIPAL selects another principal");
    match value_of("roles") {
        "" => list_hint,
        roles => format!("granted by {roles}; {list_hint}"),
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn text(failure: Failure) -> String {
        match failure {
            Failure::Problem(problem) => problem.text(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn permission_denied_shows_action_and_scope() {
        let action = "Microsoft.KeyVault/managedHsm/keys/sign/action";
        let mut details = ErrorDetails::new();
        details.set_error_info(
            "PERMISSION_DENIED_BY_ROLE",
            "strongroom",
            [("scope".to_owned(), "/keys/invoices".to_owned()), ("action".to_owned(), action.to_owned())],
        );
        let status = tonic::Status::with_error_details(Code::PermissionDenied, "not authorized", details);
        let text = text(status.into());
        assert!(text.starts_with("error: not authorized\n"), "{text}");
        let line = format!("reason: PERMISSION_DENIED_BY_ROLE (action {action} at /keys/invoices)\n");
        assert!(text.contains(&line), "{text}");
    }

    #[test]
    fn permission_denied_hint_depends_on_the_plane() {
        for (plane, command) in [
            ("data", "`strongroom role assignment list`"),
            ("control", "`strongroom control role assignment list`"),
            ("vault", "`strongroom control role assignment list --scope SCOPE`"),
        ] {
            let mut details = ErrorDetails::new();
            let metadata = [("plane", plane), ("roles", "Reader, Owner"), ("action", "a"), ("scope", "/")];
            let metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned()));
            details.set_error_info("ACTION_NOT_GRANTED", "strongroom", metadata);
            let status = tonic::Status::with_error_details(Code::PermissionDenied, "no", details);
            let text = text(status.into());
            assert!(text.contains("reason: ACTION_NOT_GRANTED (action a at /)\n"), "{text}");
            assert!(text.contains(&format!("hint: granted by Reader, Owner; {command}")), "{text}");
        }
    }

    #[test]
    fn missing_permission_hint_names_access_policies() {
        let mut details = ErrorDetails::new();
        let metadata = [("plane", "vault"), ("permission", "secrets get"), ("roles", "")];
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned()));
        details.set_error_info("PERMISSION_NOT_GRANTED", "strongroom", metadata);
        let text = text(tonic::Status::with_error_details(Code::PermissionDenied, "no", details).into());
        assert!(text.contains("reason: PERMISSION_NOT_GRANTED (permission secrets get)\n"), "{text}");
        assert!(text.contains("hint: `strongroom vault show NAME` shows the access policies"), "{text}");
    }

    #[test]
    fn token_failure_shows_its_ckr_code() {
        let mut details = ErrorDetails::new();
        details.set_error_info(
            "TOKEN_FAILED",
            "strongroom",
            [("ckr".to_owned(), "CKR_DEVICE_ERROR".to_owned())],
        );
        let status = tonic::Status::with_error_details(Code::Unavailable, "the token failed", details);
        assert!(text(status.into()).contains("reason: TOKEN_FAILED (ckr CKR_DEVICE_ERROR)\n"));
    }

    #[test]
    fn field_violations_are_not_repeated() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("key_size", "the key size is one of [2048]");
        let message = "key_size: the key size is one of [2048]";
        let status = tonic::Status::with_error_details(Code::InvalidArgument, message, details);
        assert_eq!(text(status.into()), format!("error: {message}\n"));
    }

    #[test]
    fn control_characters_of_server_messages_are_replaced() {
        let status = tonic::Status::internal("\u{1b}[2Jgone");
        assert!(!text(status.into()).contains('\u{1b}'));
    }
}
