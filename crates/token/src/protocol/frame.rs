//! Frames on the socket of a worker process: a length, an identifier, and a message encoded with postcard.
//!
//! The buffers of both sides are wiped: what passes through may be a secret, or the PIN.

use std::io;
use std::ops::Range;

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

/// The length of the payload (32 bits) and the identifier (64 bits), little-endian.
const HEADER: usize = 12;

/// The maximum length of a payload in bytes. Requests of callers are far smaller.
const MAX_PAYLOAD: usize = 64 * 1024 * 1024;

/// The capacity up to which an empty buffer is kept.
const KEPT: usize = 64 * 1024;

/// Bytes that are wiped when they are removed, moved or dropped.
#[derive(Default)]
pub(crate) struct WipedBuffer {
    bytes: Vec<u8>,
    /// The number of bytes at the front that have been removed and wiped.
    start: usize,
}

impl WipedBuffer {
    /// The bytes in the buffer.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// Removes bytes from the front.
    pub(crate) fn remove(&mut self, count: usize) {
        let end = self.start.saturating_add(count).min(self.bytes.len());
        self.bytes[self.start..end].zeroize();
        self.start = end;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Makes room for more bytes. The vector never grows by itself: it would leave a copy of its bytes.
    fn reserve(&mut self, count: usize) {
        if self.bytes.capacity() - self.bytes.len() >= count {
            return;
        }
        let mut larger = Vec::with_capacity((self.bytes().len() + count).next_power_of_two().max(4096));
        larger.extend_from_slice(self.bytes());
        self.bytes.zeroize();
        self.bytes = larger;
        self.start = 0;
    }

    /// Appends a frame.
    ///
    /// # Errors
    /// If the message is longer than a frame may be.
    pub(crate) fn push_frame(&mut self, id: u64, message: &impl Serialize) -> io::Result<()> {
        let offset = self.bytes().len();
        self.extend(&[0; HEADER]);
        let encoded = postcard::serialize_with_flavor(message, Appender(self));
        let payload = self.bytes().len() - offset - HEADER;
        if encoded.is_err() || payload > MAX_PAYLOAD {
            let end = self.start + offset;
            self.bytes[end..].zeroize();
            self.bytes.truncate(end);
            return Err(io::Error::other("the message cannot be encoded"));
        }
        let header = self.start + offset;
        // At most MAX_PAYLOAD.
        let length = u32::try_from(payload).unwrap_or(u32::MAX);
        self.bytes[header..header + 4].copy_from_slice(&length.to_le_bytes());
        self.bytes[header + 4..header + HEADER].copy_from_slice(&id.to_le_bytes());
        Ok(())
    }

    /// The first frame, if it is complete: its identifier and the range of its payload in [`Self::bytes`].
    ///
    /// # Errors
    /// If the frame is longer than allowed.
    pub(crate) fn first_frame(&self) -> io::Result<Option<(u64, Range<usize>)>> {
        let bytes = self.bytes();
        let (Some(length), Some(id)) = (bytes.first_chunk::<4>(), bytes.get(4..HEADER)) else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_PAYLOAD {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
        }
        let id = <[u8; 8]>::try_from(id).map_or(0, u64::from_le_bytes);
        Ok((bytes.len() - HEADER >= length).then_some((id, HEADER..HEADER + length)))
    }

    /// Decodes the first frame, if it is complete, and removes it.
    ///
    /// # Errors
    /// If the frame is malformed.
    pub(crate) fn take_frame<T: for<'a> Deserialize<'a>>(&mut self) -> io::Result<Option<(u64, T)>> {
        let Some((id, payload)) = self.first_frame()? else { return Ok(None) };
        let decoded = postcard::from_bytes(&self.bytes()[payload.clone()]);
        self.remove(payload.end);
        let message = decoded.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Some((id, message)))
    }

    /// Reads once from `read` into free space, and returns the number of bytes.
    ///
    /// # Errors
    /// That of `read`.
    pub(crate) fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        // A frame that is known to be longer is read with few calls.
        let missing = match self.bytes().first_chunk::<4>() {
            Some(length) => {
                let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(0).min(MAX_PAYLOAD);
                (HEADER + length).saturating_sub(self.bytes().len())
            }
            None => 0,
        };
        self.reserve(missing.max(4096));
        let end = self.bytes.len();
        self.bytes.resize(self.bytes.capacity(), 0);
        let count = read(&mut self.bytes[end..]);
        self.bytes.truncate(end + *count.as_ref().unwrap_or(&0));
        count
    }
}

impl Drop for WipedBuffer {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// Appends what postcard encodes.
struct Appender<'a>(&'a mut WipedBuffer);

impl Flavor for Appender<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.extend(&[byte]);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_in_pieces() {
        let mut sent = WipedBuffer::default();
        let messages: Vec<(u64, Vec<u8>)> =
            vec![(1, vec![]), (2, vec![7; 10]), (u64::MAX, vec![9; 100_000]), (3, vec![1])];
        for (id, message) in &messages {
            sent.push_frame(*id, &serde_bytes::Bytes::new(message)).unwrap();
        }
        let mut received = WipedBuffer::default();
        let mut found: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut step = 1;
        while !sent.is_empty() {
            let count = received
                .fill(|space| {
                    let count = sent.bytes().len().min(step).min(space.len());
                    space[..count].copy_from_slice(&sent.bytes()[..count]);
                    Ok(count)
                })
                .unwrap();
            sent.remove(count);
            step = step * 2 % 3001 + 1;
            while let Some((id, message)) = received.take_frame::<serde_bytes::ByteBuf>().unwrap() {
                found.push((id, message.into_vec()));
            }
        }
        assert_eq!(found, messages);
        assert!(received.is_empty());
    }

    #[test]
    fn too_long_frame_is_an_error() {
        let mut received = WipedBuffer::default();
        received.extend(&[0xff; HEADER]);
        assert!(received.first_frame().is_err());
        let mut malformed = WipedBuffer::default();
        malformed.extend(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert!(malformed.take_frame::<Option<u8>>().is_err());
    }
}
