//! Implements `strongroom.v1.KeyService`: each method runs one operation.

use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::Services;
use super::pb::{self, key_service_server::KeyService};
use crate::ops::keys;

#[tonic::async_trait]
impl KeyService for Services {
    async fn create_key(
        &self,
        request: Request<pb::CreateKeyRequest>,
    ) -> Result<Response<pb::KeyBundle>, Status> {
        self.answer::<_, keys::CreateKey, _>("/strongroom.v1.KeyService/CreateKey", request).await
    }

    async fn import_key(
        &self,
        request: Request<pb::ImportKeyRequest>,
    ) -> Result<Response<pb::KeyBundle>, Status> {
        self.answer::<_, keys::ImportKey, _>(
            "/strongroom.v1.KeyService/ImportKey",
            request.map(Zeroizing::new),
        )
        .await
    }

    async fn get_key(&self, request: Request<pb::GetKeyRequest>) -> Result<Response<pb::KeyBundle>, Status> {
        self.answer::<_, keys::GetKey, _>("/strongroom.v1.KeyService/GetKey", request).await
    }

    async fn list_keys(
        &self,
        request: Request<pb::ListKeysRequest>,
    ) -> Result<Response<pb::ListKeysResponse>, Status> {
        self.answer::<_, keys::ListKeys, _>("/strongroom.v1.KeyService/ListKeys", request).await
    }

    async fn list_key_versions(
        &self,
        request: Request<pb::ListKeyVersionsRequest>,
    ) -> Result<Response<pb::ListKeyVersionsResponse>, Status> {
        self.answer::<_, keys::ListKeyVersions, _>("/strongroom.v1.KeyService/ListKeyVersions", request).await
    }

    async fn update_key_version(
        &self,
        request: Request<pb::UpdateKeyVersionRequest>,
    ) -> Result<Response<pb::KeyBundle>, Status> {
        self.answer::<_, keys::UpdateKeyVersion, _>("/strongroom.v1.KeyService/UpdateKeyVersion", request)
            .await
    }

    async fn delete_key(
        &self,
        request: Request<pb::DeleteKeyRequest>,
    ) -> Result<Response<pb::DeletedKeyBundle>, Status> {
        self.answer::<_, keys::DeleteKey, _>("/strongroom.v1.KeyService/DeleteKey", request).await
    }

    async fn rotate_key(
        &self,
        request: Request<pb::RotateKeyRequest>,
    ) -> Result<Response<pb::KeyBundle>, Status> {
        self.answer::<_, keys::RotateKey, _>("/strongroom.v1.KeyService/RotateKey", request).await
    }

    async fn get_key_rotation_policy(
        &self,
        request: Request<pb::GetKeyRotationPolicyRequest>,
    ) -> Result<Response<pb::KeyRotationPolicy>, Status> {
        self.answer::<_, keys::GetKeyRotationPolicy, _>(
            "/strongroom.v1.KeyService/GetKeyRotationPolicy",
            request,
        )
        .await
    }

    async fn update_key_rotation_policy(
        &self,
        request: Request<pb::UpdateKeyRotationPolicyRequest>,
    ) -> Result<Response<pb::KeyRotationPolicy>, Status> {
        self.answer::<_, keys::UpdateKeyRotationPolicy, _>(
            "/strongroom.v1.KeyService/UpdateKeyRotationPolicy",
            request,
        )
        .await
    }

    async fn get_deleted_key(
        &self,
        request: Request<pb::GetDeletedKeyRequest>,
    ) -> Result<Response<pb::DeletedKeyBundle>, Status> {
        self.answer::<_, keys::GetDeletedKey, _>("/strongroom.v1.KeyService/GetDeletedKey", request).await
    }

    async fn list_deleted_keys(
        &self,
        request: Request<pb::ListDeletedKeysRequest>,
    ) -> Result<Response<pb::ListDeletedKeysResponse>, Status> {
        self.answer::<_, keys::ListDeletedKeys, _>("/strongroom.v1.KeyService/ListDeletedKeys", request).await
    }

    async fn recover_deleted_key(
        &self,
        request: Request<pb::RecoverDeletedKeyRequest>,
    ) -> Result<Response<pb::KeyBundle>, Status> {
        self.answer::<_, keys::RecoverDeletedKey, _>("/strongroom.v1.KeyService/RecoverDeletedKey", request)
            .await
    }

    async fn purge_deleted_key(
        &self,
        request: Request<pb::PurgeDeletedKeyRequest>,
    ) -> Result<Response<pb::PurgeDeletedKeyResponse>, Status> {
        self.answer::<_, keys::PurgeDeletedKey, _>("/strongroom.v1.KeyService/PurgeDeletedKey", request).await
    }
}
