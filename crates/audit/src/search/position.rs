//! A position between two records of a log, which callers keep as text.

use std::fmt;
use std::str::FromStr;

use super::super::files::FileName;

/// A position between two records. Formatted as letters, digits and hyphens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Position {
    pub(super) file: FileName,
    pub(super) offset: u64,
}

/// The text is no position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, offset } = self;
        write!(f, "{}-{}-{offset}", file.day, file.part)
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let parts: Vec<&str> = text.split('-').collect();
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        match parts.as_slice() {
            [year, month, day, part, offset]
                if parts.iter().all(is_number) && (year.len(), month.len(), day.len()) == (4, 2, 2) =>
            {
                let file = FileName {
                    day: format!("{year}-{month}-{day}"),
                    part: part.parse().map_err(|_| InvalidPosition)?,
                };
                Ok(Self { file, offset: offset.parse().map_err(|_| InvalidPosition)? })
            }
            _ => Err(InvalidPosition),
        }
    }
}
