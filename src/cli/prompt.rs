//! Reads a line typed at the terminal without echo.

use std::io::{self, BufRead};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::failure::{Failure, Outcome};
use super::output::note;

/// Asks for something secret and reads a line from the terminal without echo. The end of the line does not belong to it.
pub(crate) fn prompt(what: &str) -> Outcome<Zeroizing<String>> {
    // Full capacity from the start: a string that grows leaves copies behind that are not zeroized.
    let mut line = Zeroizing::new(String::with_capacity(4096));
    let silenced = Silenced::terminal().map_err(|error| Failure::file("standard input", &error))?;
    note(&format!("{what} (not shown):"));
    let read = io::stdin().lock().read_line(&mut line);
    drop(silenced);
    read.map_err(|error| Failure::file("standard input", &error))?;
    Ok(Zeroizing::new(line.trim_end_matches(['\n', '\r']).to_owned()))
}

/// The terminal at standard input without echo. Its settings are restored on drop.
struct Silenced(Termios);

impl Silenced {
    fn terminal() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silenced {
    fn drop(&mut self) {
        // The terminal is gone if this fails.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
