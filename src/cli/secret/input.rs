//! Reads the value of a secret: an argument, a file, standard input, or a line typed at a terminal without echo.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, IsTerminal};

use clap::Args;
use zeroize::Zeroizing;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::Source;
use crate::cli::prompt::prompt;

/// The value of a secret: zeroized on drop, hidden in `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Value(pub(super) Zeroizing<String>);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
}

fn value(text: &str) -> Result<Value, Infallible> {
    Ok(Value(Zeroizing::new(text.to_owned())))
}

/// The source of the value.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub(super) struct ValueInput {
    /// Value; prefer --file or standard input, since arguments are visible to other users
    #[arg(long, value_parser = value, value_name = "TEXT", allow_hyphen_values = true)]
    value: Option<Value>,
    /// File with the value, or - for standard input, which is the default; the whole content is the value
    #[arg(long, value_name = "FILE")]
    file: Option<Source>,
}

impl ValueInput {
    /// Reads the value. At a terminal, asks for one line and does not show what is typed.
    pub(super) fn read(self) -> Outcome<Value> {
        let source = match (self.value, self.file) {
            (Some(value), _) => return Ok(value),
            (None, Some(source)) => source,
            (None, None) if io::stdin().is_terminal() => return prompt("Value").map(Value),
            (None, None) => Source::Stdin,
        };
        let bytes = source.read()?;
        let text = std::str::from_utf8(&bytes.0).map_err(|_| {
            Failure::problem(format!("{source}: the value is not UTF-8"))
                .hint("encode binary values, for example with base64")
        })?;
        Ok(Value(Zeroizing::new(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_values() {
        let input = ValueInput { value: Some(value("hunter2").unwrap()), file: None };
        assert!(!format!("{input:?}").contains("hunter2"));
        assert_eq!(input.read().unwrap().0.as_str(), "hunter2");
    }

    #[test]
    fn file_is_read_to_the_byte_and_must_be_utf8() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |content: &[u8]| {
            std::fs::write(file.path(), content).unwrap();
            ValueInput { value: None, file: Some(file.path().as_os_str().to_owned().into()) }.read()
        };
        for text in ["", "a\n", "\r\n pass wörd \n\n"] {
            assert_eq!(read(text.as_bytes()).unwrap().0.as_str(), text);
        }
        let failure = read(b"hunter2\xff").unwrap_err();
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    }
}
