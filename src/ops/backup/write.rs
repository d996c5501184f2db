//! Writes a full backup.

use futures_util::FutureExt as _;

use super::contents::{check_wrappable, record};
use super::{OBJECT, storage_error};
use crate::backup::archive::{ArchiveError, ArchiveHeader, ArchiveWriter, Record};
use crate::model::hsm_contents::HsmContents;
use crate::model::{Error, Result, Timestamp};
use crate::ops::security_domain::DomainKeys;
use crate::ops::{BackupTask, Cx};
use crate::storage::{Address, Location, Upload};

/// Backs up the HSM as it is when the job begins. Returns the URI of the folder.
pub(super) async fn back_up(task: &BackupTask, cx: &Cx) -> Result<String> {
    let folder = folder_name(cx);
    let address = Address::parse(&task.uri, &folder, &cx.storage).map_err(storage_error)?;
    let location = Location::open(&address, &task.credential, &cx.storage).map_err(storage_error)?;
    let contents = contents(cx)?;
    check_wrappable(&contents.keys, cx).await?;
    let mut upload = location.upload(OBJECT).await.map_err(storage_error)?;
    // Boxed: the future holds the buffers of the upload.
    task.progress.expect(contents.keys.len());
    match write(&contents, &mut upload, task, cx).boxed().await {
        Ok(()) => upload.finish().await.map_err(storage_error)?,
        Err(error) => {
            upload.abort().await;
            return Err(error);
        }
    }
    Ok(address.uri(""))
}

/// Checks that the HSM can be backed up to the storage.
pub(super) async fn check(task: &BackupTask, cx: &Cx) -> Result<()> {
    let address = Address::parse(&task.uri, &task.folder, &cx.storage).map_err(storage_error)?;
    let location = Location::open(&address, &task.credential, &cx.storage).map_err(storage_error)?;
    check_wrappable(&contents(cx)?.keys, cx).await?;
    location.check_writable(&format!("{}.check", folder_name(cx))).await.map_err(storage_error)
}

pub(super) fn contents(cx: &Cx) -> Result<HsmContents> {
    let name = &cx.managed_hsm()?.name;
    cx.store.contents(name).ok_or_else(|| Error::NotFound(name.into()))
}

async fn write(contents: &HsmContents, upload: &mut Upload, task: &BackupTask, cx: &Cx) -> Result<()> {
    let domain = DomainKeys::addressed(cx)?;
    let key = domain.full_backup_key().await?;
    let mut writer = ArchiveWriter::new(domain.domain().id, &key).map_err(Error::internal)?;
    let hsm = cx.managed_hsm()?;
    let header = ArchiveHeader { hsm: hsm.name.clone(), hsm_id: hsm.id, at: cx.now };
    let roles = contents.definitions.iter().map(|role| Record::RoleDefinition(role.as_ref().clone()));
    let assignments = contents.assignments.iter().map(|role| Record::RoleAssignment(role.as_ref().clone()));
    let first = [Record::Header(header), Record::Settings(contents.settings)];
    for record in first.into_iter().chain(roles).chain(assignments) {
        send(upload, writer.write(&record)).await?;
    }
    for key in &contents.keys {
        if let Some(record) = record(key, domain.wrapping_key(), cx).await? {
            send(upload, writer.write(&Record::Key(Box::new(record)))).await?;
        }
        task.progress.advance(1);
    }
    send(upload, writer.finish()).await
}

async fn send(upload: &mut Upload, bytes: Result<Vec<u8>, ArchiveError>) -> Result<()> {
    let bytes = bytes.map_err(Error::internal)?;
    if bytes.is_empty() { Ok(()) } else { upload.write(bytes).await.map_err(storage_error) }
}

/// The name of the folder, as recorded from Azure: `mhsm-{hsm}-{YYYYMMDDHHmmss}` and two more digits.
fn folder_name(cx: &Cx) -> String {
    let now: Timestamp = cx.now;
    let hundredths = now.subsec_nanosecond().unsigned_abs() / 10_000_000;
    format!("mhsm-{}-{}{hundredths:02}", cx.container.id().name(), now.strftime("%Y%m%d%H%M%S"))
}
