//! Reads a full backup.

use aws_lc_rs::aead::Aad;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    ArchiveError, CHUNK_BYTES, CHUNK_HEADER_BYTES, ChunkKey, Counts, ID_BYTES, MAGIC, MAX_RECORD_BYTES,
    PREAMBLE_BYTES, Record, TAG_BYTES, VERSION,
};

/// Decrypts a backup from pieces of any size, in their order.
pub struct ArchiveReader {
    domain: Uuid,
    domain_key: Zeroizing<Vec<u8>>,
    /// Bytes that are not decrypted yet.
    received: Vec<u8>,
    preamble: Vec<u8>,
    key: Option<ChunkKey>,
    /// Plaintext of a record that is not complete yet.
    pending: Zeroizing<Vec<u8>>,
    ended: bool,
    has_header: bool,
    counts: Counts,
    end: Option<Counts>,
}

impl ArchiveReader {
    /// Begins to read a backup of this security domain.
    pub fn new(domain: Uuid, domain_key: Zeroizing<Vec<u8>>) -> Self {
        Self {
            domain,
            domain_key,
            received: Vec::new(),
            preamble: Vec::new(),
            key: None,
            pending: Zeroizing::default(),
            ended: false,
            has_header: false,
            counts: Counts::default(),
            end: None,
        }
    }

    /// Takes the next bytes, and returns the records that are complete. They are authentic, but a later error may follow.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<Record>, ArchiveError> {
        self.received.extend_from_slice(bytes);
        if self.key.is_none() {
            self.read_preamble()?;
        }
        let mut records = Vec::new();
        while let Some(chunk) = self.next_chunk()? {
            self.pending.extend_from_slice(&chunk);
            self.parse(&mut records)?;
        }
        Ok(records)
    }

    /// Checks that the backup is complete, and returns the numbers of its records.
    ///
    /// # Errors
    /// [`ArchiveError::Incomplete`].
    pub fn finish(&self) -> Result<Counts, ArchiveError> {
        let is_complete = self.ended && self.received.is_empty() && self.pending.is_empty();
        match self.end {
            Some(end) if is_complete && end == self.counts => Ok(end),
            _ => Err(ArchiveError::Incomplete),
        }
    }

    fn read_preamble(&mut self) -> Result<(), ArchiveError> {
        let known = self.received.len().min(MAGIC.len());
        if self.received[..known] != MAGIC[..known] {
            return Err(ArchiveError::NotAnArchive);
        }
        let Some((preamble, _)) = self.received.split_at_checked(PREAMBLE_BYTES) else { return Ok(()) };
        let preamble = preamble.to_vec();
        let (version, rest) = preamble[MAGIC.len()..].split_at(2);
        let version = u16::from_be_bytes([version[0], version[1]]);
        if version != VERSION {
            return Err(ArchiveError::OtherVersion(version));
        }
        let (domain, salt) = rest.split_at(ID_BYTES);
        if domain != self.domain.as_bytes() {
            return Err(ArchiveError::OtherDomain);
        }
        self.key = Some(ChunkKey::derive(&self.domain_key, salt)?);
        self.received.drain(..PREAMBLE_BYTES);
        self.preamble = preamble;
        Ok(())
    }

    /// Decrypts the next chunk, if it is complete.
    fn next_chunk(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, ArchiveError> {
        let Some(key) = &mut self.key else { return Ok(None) };
        if self.ended && !self.received.is_empty() {
            return Err(ArchiveError::Incomplete);
        }
        let Some((header, rest)) = self.received.split_at_checked(CHUNK_HEADER_BYTES) else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
        let length = usize::try_from(length).map_err(|_| ArchiveError::NotAuthentic)?;
        if header[0] > 1 || !(TAG_BYTES..=CHUNK_BYTES + TAG_BYTES).contains(&length) {
            return Err(ArchiveError::NotAuthentic);
        }
        let Some(ciphertext) = rest.get(..length) else { return Ok(None) };
        let is_last = header[0] == 1;
        let mut chunk = Zeroizing::new(ciphertext.to_vec());
        let nonce = key.nonce(is_last)?;
        let opened = key.key.open_in_place(nonce, Aad::from(&self.preamble), &mut chunk);
        let plaintext = opened.map_err(|_| ArchiveError::NotAuthentic)?.len();
        chunk.truncate(plaintext);
        self.received.drain(..CHUNK_HEADER_BYTES + length);
        self.ended = is_last;
        Ok(Some(chunk))
    }

    /// Parses the records that are complete.
    fn parse(&mut self, records: &mut Vec<Record>) -> Result<(), ArchiveError> {
        let invalid = |why: &str| ArchiveError::InvalidRecord(why.to_owned());
        let mut start = 0;
        while let Some(length) = self.pending[start..].iter().position(|byte| *byte == b'\n') {
            let line = &self.pending[start..start + length];
            // The text of the error may quote the record.
            let record = serde_json::from_slice(line).map_err(|_| invalid("it has another form"))?;
            if self.end.is_some() || self.has_header == matches!(record, Record::Header(_)) {
                return Err(invalid("it is at a wrong place"));
            }
            match &record {
                Record::Header(_) => self.has_header = true,
                Record::End(counts) => self.end = Some(*counts),
                record => self.counts.add(record),
            }
            records.push(record);
            start += length + 1;
        }
        self.pending.drain(..start);
        if self.pending.len() > MAX_RECORD_BYTES {
            return Err(invalid("it is too long"));
        }
        Ok(())
    }
}
