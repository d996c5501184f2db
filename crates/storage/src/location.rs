//! Reads and writes objects of a location.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::azure::{AzureConfigKey, AzureCredentialProvider, MicrosoftAzureBuilder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, WriteMultipart};

use crate::address::{Address, Credential, Policy};
use crate::error::StorageError;
use crate::managed_identity::{authenticate, without_proxy};
use crate::new_directories::NewDirectories;

/// How many parts of an upload are sent at a time; each has some MiB.
const CONCURRENT_PARTS: usize = 4;

/// The bytes of an object.
pub type ByteStream = BoxStream<'static, Result<Bytes, StorageError>>;

/// A folder of a directory or of a container.
#[derive(Clone, Debug)]
pub struct Location {
    store: Arc<dyn ObjectStore>,
    folder: Path,
    /// [`Policy::directory`], if the location is below it.
    root: Option<PathBuf>,
    /// The access tokens of the managed identity, if it is used.
    tokens: Option<AzureCredentialProvider>,
}

impl Location {
    /// Opens a location. Does not access it.
    ///
    /// # Errors
    /// [`StorageError::Invalid`], and [`StorageError::Failed`] if the directory cannot be created.
    pub fn open(address: &Address, credential: &Credential, policy: &Policy) -> Result<Self, StorageError> {
        match address {
            Address::Directory(segments) => {
                let root = policy.directory.as_ref();
                let root =
                    root.ok_or_else(|| StorageError::Invalid("directories are not permitted".to_owned()))?;
                let failed =
                    |error| StorageError::Failed(format!("{} cannot be created: {error}", root.display()));
                std::fs::create_dir_all(root).map_err(failed)?;
                let store = LocalFileSystem::new_with_prefix(root);
                let store = store.map_err(|error| StorageError::of(&error, "the directory"))?;
                // A backup that has succeeded survives a failure of the machine.
                let store = store.with_fsync(true);
                Ok(Self {
                    store: Arc::new(store),
                    folder: path(segments),
                    root: Some(root.clone()),
                    tokens: None,
                })
            }
            Address::Blob { endpoint, account, container, folder } => {
                let mut builder = MicrosoftAzureBuilder::new()
                    .with_account(account)
                    .with_container_name(container)
                    .with_endpoint(endpoint.clone());
                if endpoint.starts_with("http://") {
                    builder = builder.with_client_options(without_proxy().with_allow_http(true));
                }
                let mut tokens = None;
                match (credential.signature(), credential) {
                    (Some(signature), _) => builder = builder.with_config(AzureConfigKey::SasKey, signature),
                    (None, Credential::ManagedIdentity) => {
                        let credentials = policy.managed_identity.credentials()?;
                        builder = builder.with_credentials(Arc::clone(&credentials));
                        tokens = Some(credentials);
                    }
                    (None, _) => {
                        let why = "a container requires a SAS token or a managed identity";
                        return Err(StorageError::Invalid(why.to_owned()));
                    }
                }
                let store = builder.build().map_err(|error| StorageError::of(&error, "the container"))?;
                Ok(Self { store: Arc::new(store), folder: path(folder), root: None, tokens })
            }
        }
    }

    /// Requests an access token before the first request to the storage, so that the failure of a job that has none names
    /// this cause, and that the job does no work before.
    async fn authenticate(&self) -> Result<(), StorageError> {
        match &self.tokens {
            Some(credentials) => authenticate(credentials).await,
            None => Ok(()),
        }
    }

    /// Begins to write an object, which appears when the upload is complete.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn upload(&self, name: &str) -> Result<Upload, StorageError> {
        let path = self.folder.clone().join(name);
        self.authenticate().await?;
        let directories = self.new_directories();
        let upload = self.store.put_multipart(&path).await.map_err(|error| StorageError::of(&error, name))?;
        Ok(Upload { write: WriteMultipart::new(upload), name: name.to_owned(), directories })
    }

    fn new_directories(&self) -> NewDirectories {
        self.root.as_ref().map_or_else(NewDirectories::none, |root| NewDirectories::of(root, &self.folder))
    }

    /// Reads an object.
    ///
    /// # Errors
    /// [`StorageError`], also as items of the stream.
    pub async fn read(&self, name: &str) -> Result<ByteStream, StorageError> {
        let path = self.folder.clone().join(name);
        self.authenticate().await?;
        let found = self.store.get(&path).await.map_err(|error| StorageError::of(&error, name))?;
        let name = name.to_owned();
        Ok(found.into_stream().map_err(move |error| StorageError::of(&error, &name)).boxed())
    }

    /// Checks that an object exists and can be read.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn check_readable(&self, name: &str) -> Result<(), StorageError> {
        let path = self.folder.clone().join(name);
        self.authenticate().await?;
        self.store.head(&path).await.map(drop).map_err(|error| StorageError::of(&error, name))
    }

    /// Checks that objects can be written: sends a part of one, and does not complete it.
    ///
    /// Nothing remains in a directory. Azure Blob Storage has no request that discards a part: it remains as an
    /// uncommitted block, is not listed as a blob, and the storage discards it after a week.
    /// <https://learn.microsoft.com/rest/api/storageservices/put-block#remarks>
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn check_writable(&self, name: &str) -> Result<(), StorageError> {
        self.authenticate().await?;
        let directories = self.new_directories();
        let path = self.folder.clone().join(name);
        let of = |error: object_store::Error| StorageError::of(&error, "folder");
        let mut upload = self.store.put_multipart(&path).await.map_err(of)?;
        let written = upload.put_part(Bytes::from_static(b"strongroom checks access").into()).await;
        let aborted = upload.abort().await;
        directories.remove();
        written.and(aborted).map_err(of)
    }
}

fn path(segments: &[String]) -> Path {
    segments.iter().map(String::as_str).collect()
}

/// An upload that is not complete. Dropping it leaves no object.
pub struct Upload {
    write: WriteMultipart,
    name: String,
    directories: NewDirectories,
}

impl Upload {
    /// Appends bytes. Waits while too many parts are being sent.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn write(&mut self, bytes: Vec<u8>) -> Result<(), StorageError> {
        let waited = self.write.wait_for_capacity(CONCURRENT_PARTS).await;
        waited.map_err(|error| StorageError::of(&error, &self.name))?;
        self.write.put(bytes.into());
        Ok(())
    }

    /// Completes the object.
    ///
    /// # Errors
    /// [`StorageError`]. The object does not exist then.
    pub async fn finish(self) -> Result<(), StorageError> {
        let Self { write, name, directories } = self;
        write.finish().await.map(drop).map_err(|error| {
            directories.remove();
            StorageError::of(&error, &name)
        })
    }

    /// Ends the upload without an object. Parts that were sent remain for a week in Azure Blob Storage, as those of
    /// [`Location::check_writable`].
    pub async fn abort(self) {
        let _ = self.write.abort().await;
        self.directories.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn object_in_a_directory_appears_when_it_is_complete() {
        let root = tempfile::tempdir().unwrap();
        let policy = Policy { directory: Some(root.path().join("backups")), ..Policy::default() };
        let address = Address::parse("file:///nightly", "f", &policy).unwrap();
        let location = Location::open(&address, &Credential::None, &policy).unwrap();
        let mut upload = location.upload("object").await.unwrap();
        let content = vec![7; 20 << 20];
        for part in content.chunks(3 << 20) {
            upload.write(part.to_vec()).await.unwrap();
        }
        assert!(location.check_readable("object").await.is_err());
        upload.finish().await.unwrap();
        let read: Vec<Bytes> = location.read("object").await.unwrap().try_collect().await.unwrap();
        assert_eq!(read.concat(), content);
        location.upload("aborted").await.unwrap().abort().await;
        let missing = location.check_readable("aborted").await;
        assert_eq!(missing, Err(StorageError::NotFound("aborted".to_owned())));
        assert!(root.path().join("backups/nightly/f/object").exists());
    }

    #[tokio::test]
    async fn check_and_aborted_upload_leave_nothing_in_a_directory() {
        let root = tempfile::tempdir().unwrap();
        let policy = Policy { directory: Some(root.path().join("backups")), ..Policy::default() };
        let location = |uri: &str| {
            let address = Address::parse(uri, "", &policy).unwrap();
            Location::open(&address, &Credential::None, &policy).unwrap()
        };
        let entries = |folder: &str| {
            std::fs::read_dir(root.path().join("backups").join(folder))
                .unwrap()
                .map(|e| e.unwrap().file_name())
        };
        location("file:///a/b").check_writable("probe").await.unwrap();
        let mut upload = location("file:///a/b").upload("object").await.unwrap();
        upload.write(vec![7; 20 << 20]).await.unwrap();
        upload.abort().await;
        assert_eq!(entries("").count(), 0);

        // Directories that existed before remain.
        std::fs::create_dir_all(root.path().join("backups/a/empty")).unwrap();
        location("file:///a/empty").check_writable("probe").await.unwrap();
        location("file:///a/empty/new").check_writable("probe").await.unwrap();
        assert_eq!((entries("a").count(), entries("a/empty").count()), (1, 0));
    }
}
