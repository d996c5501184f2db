//! Checks the links between consecutive lines of a log, read in either direction.

use super::super::verify::{Line, link_of};

/// The line that was read last, and what was found so far.
#[derive(Default)]
pub(super) struct Links {
    last: Option<KeptLine>,
    /// The number of lines whose link was checked.
    pub(super) checked: u64,
    /// The sequence number of the first line whose link is wrong.
    pub(super) broken_at: Option<u64>,
}

struct KeptLine {
    seq: u64,
    link: String,
    covered: Vec<u8>,
}

impl Links {
    /// Takes the line after the last one.
    pub(super) fn newer(&mut self, line: &[u8]) {
        let Some(line) = Line::parse(line) else { return };
        if let Some(before) = &self.last {
            let is_right = before.seq.checked_add(1) == Some(line.seq)
                && link_of(&before.link, line.covered) == line.link;
            self.count(line.seq, is_right);
        }
        // Only its link is needed.
        self.last = Some(KeptLine { seq: line.seq, link: line.link.to_owned(), covered: Vec::new() });
    }

    /// Takes the line before the last one.
    pub(super) fn older(&mut self, line: &[u8]) {
        let Some(line) = Line::parse(line) else { return };
        if let Some(KeptLine { seq, link, covered }) = self.last.take() {
            let is_right = line.seq.checked_add(1) == Some(seq) && link_of(line.link, &covered) == link;
            self.count(seq, is_right);
        }
        let covered = line.covered.to_vec();
        self.last = Some(KeptLine { seq: line.seq, link: line.link.to_owned(), covered });
    }

    fn count(&mut self, seq: u64, is_right: bool) {
        self.checked += 1;
        if !is_right {
            self.broken_at = Some(self.broken_at.map_or(seq, |first| first.min(seq)));
        }
    }
}

/// The sequence number of a line; `None` if it is no record.
pub(super) fn sequence_number(line: &[u8]) -> Option<u64> {
    Line::parse(line).map(|line| line.seq)
}
