//! The control file: read again whenever it changes.

use std::fmt::Display;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use crate::count::Count;
use crate::environment;
use crate::journal::complain;
use crate::rule::{Action, Rule};

/// The rules of a control file, with their counts since it was read.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) rules: Vec<(Rule, Count)>,
    /// Those of them by which a token is absent.
    pub(crate) absences: Vec<Rule>,
}

/// What tells two contents of a file apart: its device and inode, size and time of change. `None` if there is no file.
type Version = Option<(u64, u64, u64, i64, i64)>;

/// A version of the control file. `Err` if it is malformed.
struct Loaded {
    version: Version,
    rules: Result<Arc<Rules>, ()>,
}

static LOADED: RwLock<Option<Loaded>> = RwLock::new(None);

/// The rules of the control file as it is now; none if there is no file.
///
/// # Errors
/// If the file cannot be read or is malformed. The reason was written to standard error.
pub(crate) fn rules() -> Result<Arc<Rules>, ()> {
    let Some(path) = &environment::get().control else { return Ok(Arc::default()) };
    let failed = |why: &dyn Display| complain(&format!("reading {}: {why}", path.display()));
    let version = version(std::fs::metadata(path)).map_err(|error| failed(&error))?;
    if let Some(loaded) = &*LOADED.read().unwrap_or_else(PoisonError::into_inner)
        && loaded.version == version
    {
        return loaded.rules.clone();
    }
    let mut loaded = LOADED.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = &*loaded
        && known.version == version
    {
        // Another thread was faster.
        return known.rules.clone();
    }
    let (version, text) = read(path).map_err(|error| failed(&error))?;
    let rules = parse(&text).map_err(|why| failed(&why));
    *loaded = Some(Loaded { version, rules: rules.clone() });
    rules
}

fn version(metadata: io::Result<Metadata>) -> io::Result<Version> {
    match metadata {
        Ok(file) => Ok(Some((file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the file, with the version of what is read.
fn read(path: &Path) -> io::Result<(Version, String)> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((None, String::new())),
        Err(error) => return Err(error),
    };
    let version = version(file.metadata())?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((version, text))
}

fn parse(text: &str) -> Result<Arc<Rules>, String> {
    let (absences, rules): (Vec<Rule>, Vec<Rule>) =
        Rule::parse(text)?.into_iter().partition(|rule| rule.action == Action::Absent);
    Ok(Arc::new(Rules { rules: rules.into_iter().map(|rule| (rule, Count::default())).collect(), absences }))
}

impl Rules {
    /// Whether a rule is among them, at any position.
    pub(crate) fn contain(&self, rule: &Rule) -> bool {
        self.rules.iter().any(|(known, _)| known.is_same(rule))
    }
}
