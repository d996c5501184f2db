//! What is known of keys and roles from the answers to calls: whether an answer contradicts those before it. Makes no calls.

use std::collections::BTreeMap;

/// The state of a key, or of the role of a principal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Absent,
    Live,
    Disabled,
    Deleted,
    Granted,
    Revoked,
}

/// A change of a subject: from one of the states `before` to `after`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) before: &'static [State],
    pub(super) after: State,
}

/// The answer to a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// The change is acknowledged.
    Done,
    /// The change is refused because of the state, which is then none of `before`.
    Refused,
    /// An error that says nothing about the state, or no answer. The change may have been made, and may still be made later.
    Unknown,
}

/// The states that a subject may have.
#[derive(Clone, Debug)]
struct Possible {
    now: Vec<State>,
    /// The states to which changes with unknown answers may still lead. A change that is acknowledged later waited until each earlier
    /// one was made or had failed.
    later: Vec<State>,
}

impl Possible {
    /// The states that are possible at this moment, of which `is_seen` tells.
    fn seen(&self, is_seen: impl Fn(State) -> bool) -> Vec<State> {
        let mut left: Vec<State> = Vec::new();
        for state in self.now.iter().chain(&self.later).copied().filter(|state| is_seen(*state)) {
            if !left.contains(&state) {
                left.push(state);
            }
        }
        left
    }
}

/// The possible states of all subjects of one client, which makes one call after the other.
#[derive(Default)]
pub(super) struct History {
    subjects: BTreeMap<String, Possible>,
    /// The number of acknowledged changes.
    pub(super) acknowledged: u64,
    /// The number of changes whose answer is unknown.
    pub(super) unknown: u64,
}

impl History {
    /// Adds a subject whose state is known.
    pub(super) fn begin(&mut self, subject: &str, state: State) {
        self.subjects.insert(subject.to_owned(), Possible { now: vec![state], later: Vec::new() });
    }

    /// Notes the answer to a change.
    ///
    /// # Errors
    /// The answer contradicts an earlier one.
    pub(super) fn note(&mut self, subject: &str, change: Change, answer: Answer) -> Result<(), String> {
        let known = self.subjects.get_mut(subject).ok_or_else(|| format!("{subject} is not known"))?;
        let left = match answer {
            Answer::Done => known.seen(|state| change.before.contains(&state)),
            Answer::Refused => known.seen(|state| !change.before.contains(&state)),
            Answer::Unknown => {
                self.unknown += 1;
                if !known.later.contains(&change.after) {
                    known.later.push(change.after);
                }
                return Ok(());
            }
        };
        if left.is_empty() {
            return Err(format!(
                "{subject}: {change:?} is answered with {answer:?}, and it may be {known:?}"
            ));
        }
        if answer == Answer::Done {
            self.acknowledged += 1;
            *known = Possible { now: vec![change.after], later: Vec::new() };
        } else {
            known.now = left;
        }
        Ok(())
    }

    /// Judges an answer from which the subject has one of these states.
    ///
    /// # Errors
    /// The answer contradicts an earlier one.
    pub(super) fn judge(&mut self, subject: &str, states: &[State]) -> Result<(), String> {
        let known = self.subjects.get_mut(subject).ok_or_else(|| format!("{subject} is not known"))?;
        let left = known.seen(|state| states.contains(&state));
        if left.is_empty() {
            return Err(format!("{subject} is one of {states:?}, and may be {known:?}"));
        }
        known.now = left;
        Ok(())
    }
}

pub(super) const CREATE: Change = Change { before: &[State::Absent], after: State::Live };
pub(super) const DISABLE: Change = Change { before: &[State::Live, State::Disabled], after: State::Disabled };
pub(super) const ENABLE: Change = Change { before: &[State::Live, State::Disabled], after: State::Live };
pub(super) const DELETE: Change = Change { before: &[State::Live, State::Disabled], after: State::Deleted };
pub(super) const ASSIGN: Change = Change { before: &[State::Revoked], after: State::Granted };
pub(super) const REVOKE: Change = Change { before: &[State::Granted], after: State::Revoked };

#[cfg(test)]
mod tests {
    use super::Answer::{Done, Refused, Unknown};
    use super::State::{Absent, Deleted, Disabled, Granted, Live, Revoked};
    use super::*;

    const NOT_FOUND: &[State] = &[Absent, Deleted];

    enum Event {
        Note(Change, Answer),
        See(&'static [State]),
    }
    use Event::{Note, See};

    /// The contradiction in the history of one subject, if there is one, which must be in its last event.
    fn contradiction(first: State, events: &[Event]) -> Option<String> {
        let mut history = History::default();
        history.begin("it", first);
        let mut last = Ok(());
        for (number, event) in events.iter().enumerate() {
            assert_eq!(last, Ok(()), "before event {number}");
            last = match event {
                Note(change, answer) => history.note("it", *change, *answer),
                See(states) => history.judge("it", states),
            };
        }
        last.err()
    }

    #[test]
    fn right_histories_pass() {
        for (first, events) in [
            (
                Absent,
                vec![
                    See(NOT_FOUND),
                    Note(CREATE, Done),
                    See(&[Live]),
                    Note(DISABLE, Done),
                    See(&[Disabled]),
                    Note(ENABLE, Done),
                    See(&[Live]),
                    Note(DELETE, Done),
                    See(NOT_FOUND),
                    Note(ENABLE, Refused),
                ],
            ),
            (
                Revoked,
                vec![
                    See(&[Revoked]),
                    Note(ASSIGN, Done),
                    See(&[Granted]),
                    Note(ASSIGN, Refused),
                    Note(REVOKE, Done),
                    See(&[Revoked]),
                    Note(REVOKE, Refused),
                ],
            ),
            // What was answered with an error is made, is not made, or is made later.
            (Absent, vec![Note(CREATE, Unknown), See(&[Live])]),
            (Absent, vec![Note(CREATE, Unknown), See(NOT_FOUND), See(NOT_FOUND), See(&[Live])]),
            (Live, vec![Note(DISABLE, Unknown), Note(ENABLE, Done), See(&[Live])]),
            (Live, vec![Note(DELETE, Unknown), Note(DISABLE, Refused), See(NOT_FOUND)]),
            (Granted, vec![Note(REVOKE, Unknown), See(&[Granted]), Note(ASSIGN, Done), See(&[Granted])]),
        ] {
            assert_eq!(contradiction(first, &events), None);
        }
    }

    #[test]
    fn wrong_histories_are_found() {
        for (what, first, events) in [
            ("a key that was created is lost", Absent, vec![Note(CREATE, Done), See(NOT_FOUND)]),
            ("a change finds no key", Absent, vec![Note(CREATE, Done), Note(DISABLE, Refused)]),
            ("a revoked role is valid", Granted, vec![Note(REVOKE, Done), See(&[Granted])]),
            ("a revoked role is there", Granted, vec![Note(REVOKE, Done), Note(ASSIGN, Refused)]),
            ("a role is not valid", Revoked, vec![Note(ASSIGN, Done), See(&[Revoked])]),
            ("a disabled key signs", Live, vec![Note(DISABLE, Done), See(&[Live])]),
            ("an enabled key is refused", Disabled, vec![Note(ENABLE, Done), See(&[Disabled])]),
            ("a deleted key signs", Live, vec![Note(DELETE, Done), See(&[Live])]),
            ("a deleted key is enabled", Live, vec![Note(DELETE, Done), Note(ENABLE, Done)]),
            ("a key is disabled by nobody", Live, vec![See(&[Disabled])]),
            (
                "a change is undone that was answered with an error",
                Live,
                vec![Note(DISABLE, Unknown), See(&[Disabled]), See(&[Live])],
            ),
            (
                "an old change is made after a later one was acknowledged",
                Live,
                vec![Note(DISABLE, Unknown), Note(ENABLE, Done), See(&[Disabled])],
            ),
        ] {
            assert!(contradiction(first, &events).is_some(), "{what}");
        }
    }

    #[test]
    fn acknowledged_and_unknown_changes_are_counted() {
        let mut history = History::default();
        history.begin("it", Absent);
        history.note("it", CREATE, Done).unwrap();
        history.note("it", DISABLE, Unknown).unwrap();
        assert_eq!((history.acknowledged, history.unknown), (1, 1));
        assert!(history.note("other", CREATE, Done).is_err() && history.judge("other", &[Live]).is_err());
    }
}
