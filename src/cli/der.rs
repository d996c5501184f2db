//! Reads the subset of DER (ITU-T X.690) that private keys use: sequences, integers, octet strings, object identifiers.
//!
//! Values are borrowed, so that no copy of a private key is left in memory.

/// `INTEGER`
const INTEGER: u8 = 0x02;
/// `OCTET STRING`
const OCTET_STRING: u8 = 0x04;
/// `OBJECT IDENTIFIER`
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `SEQUENCE`
const SEQUENCE: u8 = 0x30;

/// The unread input. Every method returns `None` if the next element is another one.
#[derive(Clone)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(der: &'a [u8]) -> Self {
        Self(der)
    }

    /// Reads a sequence, and returns a reader of its content.
    pub(crate) fn sequence(&mut self) -> Option<Self> {
        self.value(SEQUENCE).map(Self)
    }

    /// Reads a non-negative integer, big-endian, without leading zeros.
    pub(crate) fn unsigned(&mut self) -> Option<&'a [u8]> {
        let value = self.value(INTEGER)?;
        if value.first()? & 0x80 != 0 {
            return None;
        }
        let leading = value.iter().take_while(|byte| **byte == 0).count();
        value.get(leading..)
    }

    /// Reads an octet string.
    pub(crate) fn octets(&mut self) -> Option<&'a [u8]> {
        self.value(OCTET_STRING)
    }

    /// Reads an object identifier, in its encoded form.
    pub(crate) fn identifier(&mut self) -> Option<&'a [u8]> {
        self.value(OBJECT_IDENTIFIER)
    }

    /// Reads a constructed element with this context-specific tag, and returns a reader of its content.
    pub(crate) fn tagged(&mut self, number: u8) -> Option<Self> {
        self.value(0xa0 | number).map(Self)
    }

    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(2)?;
        let &[found, length] = head else { return None };
        if found != tag {
            return None;
        }
        let (length, rest) = match length {
            short @ 0..=0x7f => (usize::from(short), rest),
            // Four length bytes cover 4 GiB. DER excludes the indefinite form, 0x80.
            long @ 0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_elements_in_order() {
        let mut reader = Reader::new(&[0x30, 0x08, 0x02, 0x02, 0x00, 0x80, 0x04, 0x02, 7, 8]);
        let mut sequence = reader.sequence().unwrap();
        assert_eq!(sequence.octets(), None);
        assert_eq!(sequence.unsigned(), Some(&[0x80][..]));
        assert_eq!(sequence.octets(), Some(&[7, 8][..]));
        assert_eq!(sequence.octets(), None);
    }

    #[test]
    fn reads_long_lengths_and_rejects_invalid_ones() {
        let mut long = vec![0x04, 0x82, 0x01, 0x00];
        long.extend([5; 256]);
        assert_eq!(Reader::new(&long).octets().unwrap().len(), 256);
        long.pop();
        for wrong in
            [&long[..], &[], &[0x04], &[0x04, 0x80, 0, 0], &[0x04, 0x85, 0, 0, 0, 0, 0], &[0x04, 2, 1]]
        {
            assert_eq!(Reader::new(wrong).octets(), None, "{wrong:?}");
        }
    }

    #[test]
    fn rejects_negative_and_empty_integers() {
        for wrong in [&[0x02, 0x01, 0x80][..], &[0x02, 0x00]] {
            assert_eq!(Reader::new(wrong).unsigned(), None);
        }
        assert_eq!(Reader::new(&[0x02, 0x01, 0x00]).unsigned(), Some(&[][..]));
    }
}
