//! Writes a full backup.

use aws_lc_rs::aead::Aad;
use aws_lc_rs::rand;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    ArchiveError, CHUNK_BYTES, CHUNK_HEADER_BYTES, ChunkKey, Counts, MAGIC, PREAMBLE_BYTES, Record,
    SALT_BYTES, TAG_BYTES, VERSION,
};

/// Encrypts records. The caller stores the bytes that it returns, in their order.
pub struct ArchiveWriter {
    key: ChunkKey,
    preamble: Vec<u8>,
    /// Plaintext that is not encrypted yet.
    pending: Zeroizing<Vec<u8>>,
    /// Ciphertext that is not returned yet.
    ready: Vec<u8>,
    counts: Counts,
}

impl ArchiveWriter {
    /// Begins a backup.
    ///
    /// # Errors
    /// [`ArchiveError::Library`].
    pub fn new(domain: Uuid, domain_key: &[u8]) -> Result<Self, ArchiveError> {
        let mut salt = [0; SALT_BYTES];
        rand::fill(&mut salt).map_err(|_| ArchiveError::Library)?;
        let mut preamble = Vec::with_capacity(PREAMBLE_BYTES);
        preamble.extend_from_slice(MAGIC);
        preamble.extend_from_slice(&VERSION.to_be_bytes());
        preamble.extend_from_slice(domain.as_bytes());
        preamble.extend_from_slice(&salt);
        Ok(Self {
            key: ChunkKey::derive(domain_key, &salt)?,
            ready: preamble.clone(),
            preamble,
            pending: Zeroizing::new(Vec::with_capacity(CHUNK_BYTES)),
            counts: Counts::default(),
        })
    }

    /// Adds a record. Returns what is to be stored, which may be nothing.
    ///
    /// # Errors
    /// [`ArchiveError::Library`].
    pub fn write(&mut self, record: &Record) -> Result<Vec<u8>, ArchiveError> {
        self.counts.add(record);
        let mut line = Zeroizing::new(serde_json::to_vec(record).map_err(|_| ArchiveError::Library)?);
        line.push(b'\n');
        let mut rest = line.as_slice();
        while !rest.is_empty() {
            // A full chunk waits for more plaintext, because the last one is encrypted differently.
            if self.pending.len() == CHUNK_BYTES {
                self.encrypt(false)?;
            }
            let (now, later) = rest.split_at(rest.len().min(CHUNK_BYTES - self.pending.len()));
            self.pending.extend_from_slice(now);
            rest = later;
        }
        Ok(std::mem::take(&mut self.ready))
    }

    /// Ends the backup. Returns the last bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Library`].
    pub fn finish(mut self) -> Result<Vec<u8>, ArchiveError> {
        let end = Record::End(self.counts);
        let mut bytes = self.write(&end)?;
        self.encrypt(true)?;
        bytes.append(&mut self.ready);
        Ok(bytes)
    }

    fn encrypt(&mut self, is_last: bool) -> Result<(), ArchiveError> {
        let nonce = self.key.nonce(is_last)?;
        let mut chunk = std::mem::replace(&mut self.pending, Zeroizing::new(Vec::with_capacity(CHUNK_BYTES)));
        chunk.reserve_exact(TAG_BYTES);
        let sealed = self.key.key.seal_in_place_append_tag(nonce, Aad::from(&self.preamble), &mut *chunk);
        sealed.map_err(|_| ArchiveError::Library)?;
        let length = u32::try_from(chunk.len()).map_err(|_| ArchiveError::Library)?;
        self.ready.reserve(CHUNK_HEADER_BYTES + chunk.len());
        self.ready.push(u8::from(is_last));
        self.ready.extend_from_slice(&length.to_be_bytes());
        self.ready.extend_from_slice(&chunk);
        Ok(())
    }
}
