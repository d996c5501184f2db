//! Implements `strongroom.v1.ManagedHsmService`: each method runs one operation.

use tonic::{Request, Response, Status};

use super::Services;
use super::pb::{self, managed_hsm_service_server::ManagedHsmService};
use crate::ops::hsms;

/// Implements each method with the operation of the same name.
macro_rules! methods {
    ($($method:ident: $operation:ident($request:ident) -> $reply:ident;)+) => {
        #[tonic::async_trait]
        impl ManagedHsmService for Services {
            $(async fn $method(
                &self,
                request: Request<pb::$request>,
            ) -> Result<Response<pb::$reply>, Status> {
                let rpc = concat!("/strongroom.v1.ManagedHsmService/", stringify!($operation));
                self.answer::<_, hsms::$operation, _>(rpc, request).await
            })+
        }
    };
}

methods! {
    create_managed_hsm: CreateManagedHsm(CreateManagedHsmRequest) -> ManagedHsm;
    get_managed_hsm: GetManagedHsm(GetManagedHsmRequest) -> ManagedHsm;
    list_managed_hsms: ListManagedHsms(ListManagedHsmsRequest) -> ListManagedHsmsResponse;
    update_managed_hsm: UpdateManagedHsm(UpdateManagedHsmRequest) -> ManagedHsm;
    delete_managed_hsm: DeleteManagedHsm(DeleteManagedHsmRequest) -> DeletedManagedHsm;
    get_deleted_managed_hsm: GetDeletedManagedHsm(GetDeletedManagedHsmRequest) -> DeletedManagedHsm;
    list_deleted_managed_hsms:
        ListDeletedManagedHsms(ListDeletedManagedHsmsRequest) -> ListDeletedManagedHsmsResponse;
    recover_deleted_managed_hsm: RecoverDeletedManagedHsm(RecoverDeletedManagedHsmRequest) -> ManagedHsm;
    purge_deleted_managed_hsm:
        PurgeDeletedManagedHsm(PurgeDeletedManagedHsmRequest) -> PurgeDeletedManagedHsmResponse;
    check_managed_hsm_name: CheckManagedHsmName(CheckManagedHsmNameRequest) -> CheckManagedHsmNameResponse;
    activate_managed_hsm: ActivateManagedHsm(ActivateManagedHsmRequest) -> ActivateManagedHsmResponse;
}
