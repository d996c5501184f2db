//! What a command says when its work could not be done, and the exit code it ends with.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use tonic::Code;
use tonic_types::StatusExt;

use super::{reach, table};

/// The result of everything in the command line.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The answer is no, and has been printed.
    No,
    /// Whoever read standard output has gone: nobody is left to tell.
    OutputClosed,
    /// The command line contradicts itself.
    Usage(String),
    /// Something went wrong.
    Problem(Box<Problem>),
}

/// What went wrong, for people.
#[derive(Debug)]
pub(crate) struct Problem {
    message: String,
    details: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    /// Something went wrong.
    pub(crate) fn problem(message: impl Into<String>) -> Self {
        Self::Problem(Box::new(Problem { message: message.into(), details: Vec::new(), hint: None }))
    }

    /// A file or stream could not be read or written.
    pub(crate) fn file(what: impl Display, error: &io::Error) -> Self {
        Self::problem(format!("{what}: {error}"))
    }

    /// Says in which file it went wrong.
    pub(crate) fn within(mut self, place: impl Display) -> Self {
        if let Self::Problem(problem) = &mut self {
            problem.message = format!("{place}: {}", problem.message);
        }
        self
    }

    /// Adds what might help.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Problem(problem) = &mut self {
            problem.hint = Some(hint.into());
        }
        self
    }

    /// Tells standard error, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (code, text) = match self {
            Self::No => (1, String::new()),
            Self::OutputClosed => (0, String::new()),
            Self::Usage(message) => {
                (2, format!("error: {}\n\nFor more information, try '--help'.\n", table::printable(&message)))
            }
            Self::Problem(problem) => (1, problem.text()),
        };
        // Where standard error is closed there is nobody to tell.
        let _ = io::stderr().write_all(text.as_bytes());
        ExitCode::from(code)
    }
}

impl Problem {
    fn text(&self) -> String {
        let mut text = String::from("error: ");
        // Our own messages may have lines, for example those of a file that is wrong.
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
        Self::problem(error.to_string())
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        if let Some(source) = std::error::Error::source(&status)
            && let Some(failure) = reach::diagnose("the server", source)
        {
            return failure;
        }
        let message = match status.message() {
            "" => status.code().description().to_owned(),
            // What tonic says when the time we allowed is over.
            "Timeout expired" => "the server did not answer in time".to_owned(),
            message => message.to_owned(),
        };
        let hint = hint(&status);
        let message = table::printable(&message);
        Self::Problem(Box::new(Problem { message, details: details(&status), hint }))
    }
}

/// What the rich error model says (`google.rpc.ErrorInfo` and `BadRequest`), a line each.
fn details(status: &tonic::Status) -> Vec<String> {
    let all = status.get_error_details();
    let mut lines = Vec::new();
    if let Some(info) = all.error_info() {
        // What would help is told by the hint.
        let told = |name: &str| matches!(name, "plane" | "roles");
        let mut members: Vec<_> = info.metadata.iter().filter(|(name, _)| !told(name)).collect();
        members.sort();
        // An action is done somewhere: the two are read together.
        let mut words = Vec::new();
        if let (Some(action), Some(scope)) = (info.metadata.get("action"), info.metadata.get("scope")) {
            words.push(format!("action {action} at {scope}"));
            members.retain(|(name, _)| *name != "action" && *name != "scope");
        }
        words.extend(members.into_iter().map(|(name, value)| format!("{name} {value}")));
        let brackets = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
        lines.push(format!("reason: {}{brackets}", info.reason));
    }
    if let Some(request) = all.bad_request() {
        for violation in &request.field_violations {
            let line = format!("field {}: {}", violation.field, violation.description);
            // The message says the same where one field alone is wrong.
            if !line.contains(status.message()) && !status.message().contains(&violation.description) {
                lines.push(line);
            }
        }
    }
    if let Some(delay) = all.retry_info().and_then(|retry| retry.retry_delay) {
        lines.push(format!("try again in {} ms", delay.as_millis()));
    }
    lines
}

/// What might help, where the kind of the error alone tells.
fn hint(status: &tonic::Status) -> Option<String> {
    let hint = match status.code() {
        Code::Unauthenticated if status.message().contains("another audience") => Some(
            "each plane takes tokens of its own: STRONGROOM_TOKEN is sent to data planes, \
             STRONGROOM_MANAGEMENT_TOKEN to the control plane; `strongroom token --plane PLANE` makes one",
        ),
        Code::Unauthenticated => {
            Some("the bearer token was refused; `strongroom token --as PRINCIPAL` makes a new one")
        }
        Code::PermissionDenied => return Some(refused(status)),
        Code::Cancelled | Code::DeadlineExceeded => {
            Some("it may still have taken effect: look before you repeat it; --timeout SECONDS waits longer")
        }
        // Strongroom itself gives a reason where it cannot do something.
        Code::Unimplemented if status.get_details_error_info().is_none() => {
            Some("the server does not know this call: is it Strongroom, and as new as this program?")
        }
        _ => None,
    };
    hint.map(str::to_owned)
}

/// What might help who lacks a role: the roles that would do, and the command of the plane that shows who has them.
fn refused(status: &tonic::Status) -> String {
    let facts = status.get_details_error_info().map(|info| info.metadata).unwrap_or_default();
    let fact = |name| facts.get(name).map(String::as_str).unwrap_or_default();
    let command = if fact("plane") == "control" { "control role assignment" } else { "role assignment" };
    let shows =
        format!("`strongroom {command} list` shows who has which role; --as PRINCIPAL acts as somebody else");
    match fact("roles") {
        "" => shows,
        roles => format!("granted by {roles}; {shows}"),
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
    fn a_refusal_names_the_missing_action_and_the_scope() {
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
    fn a_refusal_is_hinted_at_in_the_words_of_its_plane() {
        for (plane, command) in
            [("data", "`strongroom role assignment list`"), ("control", "`strongroom control role")]
        {
            let mut details = ErrorDetails::new();
            let facts = [("plane", plane), ("roles", "Reader, Owner"), ("action", "a"), ("scope", "/")];
            let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned()));
            details.set_error_info("ACTION_NOT_GRANTED", "strongroom", facts);
            let status = tonic::Status::with_error_details(Code::PermissionDenied, "no", details);
            let text = text(status.into());
            assert!(text.contains("reason: ACTION_NOT_GRANTED (action a at /)\n"), "{text}");
            assert!(text.contains(&format!("hint: granted by Reader, Owner; {command}")), "{text}");
        }
    }

    #[test]
    fn a_token_fault_names_its_code() {
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
    fn a_field_is_named_once() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("key_size", "the key size is one of [2048]");
        let message = "key_size: the key size is one of [2048]";
        let status = tonic::Status::with_error_details(Code::InvalidArgument, message, details);
        assert_eq!(text(status.into()), format!("error: {message}\n"));
    }

    #[test]
    fn what_a_server_says_cannot_move_the_cursor() {
        let status = tonic::Status::internal("\u{1b}[2Jgone");
        assert!(!text(status.into()).contains('\u{1b}'));
    }
}
