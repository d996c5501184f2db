//! Counts the calls that a rule matches, in this process or in a file for several processes, and decides which it strikes.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};

use crate::rule::Window;

/// The calls that a rule has matched and struck.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Tally {
    calls: u64,
    struck: u64,
}

/// The count of a rule in this process.
#[derive(Debug, Default)]
pub(crate) struct Count(Mutex<Tally>);

impl Count {
    /// Counts a call, and returns whether the rule strikes it.
    ///
    /// # Errors
    /// If the file that counts cannot be used.
    pub(crate) fn strikes(&self, window: &Window) -> io::Result<bool> {
        match &window.counter {
            Some(path) => in_file(path, window),
            None => Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).next(window)),
        }
    }
}

impl Tally {
    fn next(&mut self, window: &Window) -> bool {
        self.calls += 1;
        let strikes = self.calls >= window.on
            && (window.times == 0 || self.struck < window.times)
            && window.probability.is_none_or(|share| chance(window.seed, self.calls) < share);
        self.struck += u64::from(strikes);
        strikes
    }
}

/// Counts a call in a file, which is locked meanwhile.
fn in_file(path: &Path, window: &Window) -> io::Result<bool> {
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    flock(&file, FlockOperation::LockExclusive)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let mut tally = parse(&text).ok_or_else(|| io::Error::other("it is not a count of calls"))?;
    let strikes = tally.next(window);
    // The numbers never get shorter: what is there is overwritten.
    file.seek(SeekFrom::Start(0))?;
    file.write_all(format!("{} {}\n", tally.calls, tally.struck).as_bytes())?;
    Ok(strikes)
}

/// Parses the content of a file: the numbers of matched and of struck calls.
fn parse(text: &str) -> Option<Tally> {
    if text.is_empty() {
        return Some(Tally::default());
    }
    let (calls, struck) = text.trim_end().split_once(' ')?;
    Some(Tally { calls: calls.parse().ok()?, struck: struck.parse().ok()? })
}

/// A number from 0 to 1 for a call, the same for the same seed (SplitMix64).
fn chance(seed: u64, call: u64) -> f64 {
    let mut mixed = seed.wrapping_add(call.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what the type holds")]
    let share = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(on: u64, times: u64) -> Window {
        Window { on, times, probability: None, seed: 0, counter: None }
    }

    fn struck(window: &Window, calls: u64) -> Vec<u64> {
        let count = Count::default();
        (1..=calls).filter(|_| count.strikes(window).unwrap()).collect()
    }

    #[test]
    fn strikes_the_ordered_calls() {
        assert_eq!(struck(&window(1, 1), 5), [1]);
        assert_eq!(struck(&window(3, 2), 9), [3, 4]);
        assert_eq!(struck(&window(4, 0), 6), [4, 5, 6]);
    }

    #[test]
    fn probability_is_reproducible_and_about_right() {
        let random = |seed, times| Window { probability: Some(0.25), seed, ..window(1, times) };
        let first = struck(&random(1, 0), 4000);
        assert!((900..1100).contains(&first.len()), "{}", first.len());
        assert_eq!(struck(&random(1, 0), 4000), first);
        assert_ne!(struck(&random(2, 0), 4000), first);
        assert_eq!(struck(&random(1, 3), 4000), first[..3]);
        assert!(struck(&Window { probability: Some(0.0), ..window(1, 0) }, 100).is_empty());
    }

    #[test]
    fn file_counts_for_all_and_rejects_other_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("count");
        let shared = Window { counter: Some(path.clone()), ..window(10, 3) };
        let threads = std::array::from_fn::<_, 8, _>(|_| {
            let shared = shared.clone();
            std::thread::spawn(move || struck(&shared, 5).len())
        });
        let struck: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(struck, 3);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "40 3\n");
        std::fs::write(&path, "something else").unwrap();
        assert!(Count::default().strikes(&shared).is_err());
        let nowhere = Window { counter: Some(directory.path().join("a/b")), ..window(1, 1) };
        assert!(Count::default().strikes(&nowhere).is_err());
    }
}
