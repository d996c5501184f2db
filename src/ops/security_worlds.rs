//! Security worlds: the subscription and geography in which the backup of an object of a vault can be restored. Each has an
//! AES-256 key in the token of the service, which does not depend on the vaults: a backup outlives its vault.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/general/overview-security-worlds>

use std::fmt;
use std::sync::Arc;

use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::backup::{ObjectBackup, ObjectBackupError, ObjectRecord, world_key_id};
use crate::model::algorithm::{AesMode, Cipher};
use crate::model::location::Locations;
use crate::model::name::VersionId;
use crate::model::resource::SubscriptionId;
use crate::model::vault::Vault;
use crate::model::{Error, Result};
use crate::security_domain::{ContentKey, WrappedContentKey};
use crate::token::{Feature, Token};

/// The type of the keys, for the token.
const CIPHER: Cipher = Cipher::Aes(AesMode::Gcm, 256);

fn malformed(error: ObjectBackupError) -> Error {
    match error {
        ObjectBackupError::Library => Error::internal(error),
        other => Error::MalformedBackup { why: other.to_string() },
    }
}

/// Where the backup of an object of a vault can be restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecurityWorld {
    subscription: SubscriptionId,
    geography: String,
}

impl SecurityWorld {
    /// Returns the security world of a vault.
    ///
    /// # Errors
    /// `Invalid` if its location is not known any more.
    pub fn of(vault: &Vault, locations: &Locations) -> Result<Self> {
        let geography = locations.find(&vault.location)?.geography.clone();
        Ok(Self { subscription: vault.subscription, geography })
    }

    /// Checks that this is the security world named in a backup.
    ///
    /// # Errors
    /// `MalformedBackup` saying what differs.
    pub fn check_same(&self, named: &str) -> Result<()> {
        if named == self.to_string() {
            return Ok(());
        }
        let (subscription, geography) = named.split_once('/').unwrap_or((named, ""));
        let why = if subscription == self.subscription.to_string() {
            format!(
                "the backup was made in geography {geography}; this vault is in geography {}",
                self.geography
            )
        } else {
            "the backup was made in another subscription".to_owned()
        };
        let rule = "a backup can be restored to vaults of the same subscription and geography";
        Err(Error::MalformedBackup { why: format!("{why}; {rule}") })
    }
}

impl fmt::Display for SecurityWorld {
    /// Writes the name of its key in backups.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.subscription, self.geography)
    }
}

/// The keys of the security worlds, in the token of the service.
#[derive(Clone)]
pub struct SecurityWorlds {
    token: Option<Token>,
    locations: Arc<Locations>,
    /// Held while a key is generated, so that each is generated once.
    generating: Arc<Mutex<()>>,
}

impl SecurityWorlds {
    /// Creates the set of keys. `token` is the token of the service, which exists unless it supports no audit key.
    pub fn new(token: Option<Token>, locations: Arc<Locations>) -> Self {
        Self { token, locations, generating: Arc::default() }
    }

    /// Returns the security world of a vault.
    ///
    /// # Errors
    /// As [`SecurityWorld::of`].
    fn of(&self, vault: &Vault) -> Result<SecurityWorld> {
        SecurityWorld::of(vault, &self.locations)
    }

    /// Generates a content key for a backup, and encrypts it with the key of the security world.
    ///
    /// # Errors
    /// `Unsupported` if the service has no token with AES-GCM; those of the token.
    async fn new_content_key(&self, world: &SecurityWorld) -> Result<(ContentKey, WrappedContentKey)> {
        let (token, key) = self.ensure_key(world).await?;
        let content_key = ContentKey::generate().map_err(Error::internal)?;
        let plaintext = Zeroizing::new(content_key.as_bytes().to_vec());
        let sealed = token.encrypt(key, AesMode::Gcm, None, Vec::new(), plaintext).await?;
        let wrapped = WrappedContentKey { iv: sealed.iv, ciphertext: sealed.ciphertext, tag: sealed.tag };
        Ok((content_key, wrapped))
    }

    /// Encrypts the record of an object of a vault.
    ///
    /// # Errors
    /// If the key of the security world cannot be created or used in the token.
    pub async fn seal<T: ObjectRecord + Sync>(&self, record: &T, vault: &Vault) -> Result<Vec<u8>> {
        let world = self.of(vault)?;
        let (key, wrapped) = self.new_content_key(&world).await?;
        ObjectBackup::seal(record, &key, wrapped, &world.to_string()).map_err(Error::internal)
    }

    /// Decrypts the backup of an object, made in a vault of the same security world.
    ///
    /// # Errors
    /// `MalformedBackup` if it is not such a backup; if the token fails.
    pub async fn open<T: ObjectRecord>(&self, backup: &[u8], vault: &Vault) -> Result<T> {
        let backup = ObjectBackup::parse::<T>(backup).map_err(malformed)?;
        let world = self.of(vault)?;
        world.check_same(backup.key_id())?;
        let key = self.content_key(&world, backup.wrapped()).await?;
        backup.open(&key).map_err(malformed)
    }

    /// Decrypts the content key of a backup.
    ///
    /// # Errors
    /// `MalformedBackup` if it was not encrypted with the key of the security world; `Unsupported` and those of the token.
    async fn content_key(&self, world: &SecurityWorld, wrapped: &WrappedContentKey) -> Result<ContentKey> {
        let malformed = || Error::MalformedBackup { why: "the backup was modified".to_owned() };
        let (token, key) = self.ensure_key(world).await?;
        let WrappedContentKey { iv, ciphertext, tag } = wrapped.clone();
        match token.decrypt(key, CIPHER, ciphertext, iv, tag, Vec::new()).await {
            Ok(bytes) => ContentKey::from_slice(&bytes).ok_or_else(malformed),
            Err(Error::DecryptionFailed | Error::Invalid { .. }) => Err(malformed()),
            Err(error) => Err(error),
        }
    }

    /// Returns the token and the key of a security world, which is generated on first use. An interruption leaves no other
    /// object than the key, because its identifier follows from the security world.
    async fn ensure_key(&self, world: &SecurityWorld) -> Result<(&Token, VersionId)> {
        let unsupported = || Error::Unsupported {
            what:
                "the service has no token with AES-GCM, so that it cannot make backups of objects of vaults"
                    .to_owned(),
        };
        let token = self.token.as_ref().ok_or_else(unsupported)?;
        if !token.capabilities().has(Feature::AesGcm) {
            return Err(unsupported());
        }
        let key = world_key_id(&world.to_string());
        if !token.has_cached_handle(key) {
            let _generating = self.generating.lock().await;
            token.ensure_sealing_key(key).await?;
        }
        Ok((token, key))
    }
}
