//! Implements `strongroom.v1.CryptoService`: each method runs one operation.

use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::Services;
use super::pb::{self, crypto_service_server::CryptoService};
use crate::ops::crypto;

#[tonic::async_trait]
impl CryptoService for Services {
    async fn sign(&self, request: Request<pb::SignRequest>) -> Result<Response<pb::SignResponse>, Status> {
        self.answer::<_, crypto::Sign, _>("/strongroom.v1.CryptoService/Sign", request).await
    }

    async fn verify(
        &self,
        request: Request<pb::VerifyRequest>,
    ) -> Result<Response<pb::VerifyResponse>, Status> {
        self.answer::<_, crypto::Verify, _>("/strongroom.v1.CryptoService/Verify", request).await
    }

    async fn encrypt(
        &self,
        request: Request<pb::EncryptRequest>,
    ) -> Result<Response<pb::EncryptResponse>, Status> {
        self.answer::<_, crypto::Encrypt, _>(
            "/strongroom.v1.CryptoService/Encrypt",
            request.map(Zeroizing::new),
        )
        .await
    }

    async fn decrypt(
        &self,
        request: Request<pb::DecryptRequest>,
    ) -> Result<Response<pb::DecryptResponse>, Status> {
        self.answer::<_, crypto::Decrypt, _>("/strongroom.v1.CryptoService/Decrypt", request).await
    }

    async fn wrap_key(
        &self,
        request: Request<pb::WrapKeyRequest>,
    ) -> Result<Response<pb::WrapKeyResponse>, Status> {
        self.answer::<_, crypto::WrapKey, _>(
            "/strongroom.v1.CryptoService/WrapKey",
            request.map(Zeroizing::new),
        )
        .await
    }

    async fn unwrap_key(
        &self,
        request: Request<pb::UnwrapKeyRequest>,
    ) -> Result<Response<pb::UnwrapKeyResponse>, Status> {
        self.answer::<_, crypto::UnwrapKey, _>("/strongroom.v1.CryptoService/UnwrapKey", request).await
    }

    async fn generate_random_bytes(
        &self,
        request: Request<pb::GenerateRandomBytesRequest>,
    ) -> Result<Response<pb::GenerateRandomBytesResponse>, Status> {
        self.answer::<_, crypto::GenerateRandomBytes, _>(
            "/strongroom.v1.CryptoService/GenerateRandomBytes",
            request,
        )
        .await
    }
}
