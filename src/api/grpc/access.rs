//! Implements `strongroom.v1.AccessService`: each method runs one operation.

use tonic::{Request, Response, Status};

use super::Services;
use super::pb::{self, access_service_server::AccessService};
use crate::ops::access;

#[tonic::async_trait]
impl AccessService for Services {
    async fn list_role_definitions(
        &self,
        request: Request<pb::ListRoleDefinitionsRequest>,
    ) -> Result<Response<pb::ListRoleDefinitionsResponse>, Status> {
        self.answer::<_, access::ListRoleDefinitions, _>(
            "/strongroom.v1.AccessService/ListRoleDefinitions",
            request,
        )
        .await
    }

    async fn get_role_definition(
        &self,
        request: Request<pb::GetRoleDefinitionRequest>,
    ) -> Result<Response<pb::RoleDefinition>, Status> {
        self.answer::<_, access::GetRoleDefinition, _>(
            "/strongroom.v1.AccessService/GetRoleDefinition",
            request,
        )
        .await
    }

    async fn put_role_definition(
        &self,
        request: Request<pb::PutRoleDefinitionRequest>,
    ) -> Result<Response<pb::RoleDefinition>, Status> {
        self.answer::<_, access::PutRoleDefinition, _>(
            "/strongroom.v1.AccessService/PutRoleDefinition",
            request,
        )
        .await
    }

    async fn delete_role_definition(
        &self,
        request: Request<pb::DeleteRoleDefinitionRequest>,
    ) -> Result<Response<pb::RoleDefinition>, Status> {
        self.answer::<_, access::DeleteRoleDefinition, _>(
            "/strongroom.v1.AccessService/DeleteRoleDefinition",
            request,
        )
        .await
    }

    async fn create_role_assignment(
        &self,
        request: Request<pb::CreateRoleAssignmentRequest>,
    ) -> Result<Response<pb::RoleAssignment>, Status> {
        self.answer::<_, access::CreateRoleAssignment, _>(
            "/strongroom.v1.AccessService/CreateRoleAssignment",
            request,
        )
        .await
    }

    async fn get_role_assignment(
        &self,
        request: Request<pb::GetRoleAssignmentRequest>,
    ) -> Result<Response<pb::RoleAssignment>, Status> {
        self.answer::<_, access::GetRoleAssignment, _>(
            "/strongroom.v1.AccessService/GetRoleAssignment",
            request,
        )
        .await
    }

    async fn list_role_assignments(
        &self,
        request: Request<pb::ListRoleAssignmentsRequest>,
    ) -> Result<Response<pb::ListRoleAssignmentsResponse>, Status> {
        self.answer::<_, access::ListRoleAssignments, _>(
            "/strongroom.v1.AccessService/ListRoleAssignments",
            request,
        )
        .await
    }

    async fn delete_role_assignment(
        &self,
        request: Request<pb::DeleteRoleAssignmentRequest>,
    ) -> Result<Response<pb::RoleAssignment>, Status> {
        self.answer::<_, access::DeleteRoleAssignment, _>(
            "/strongroom.v1.AccessService/DeleteRoleAssignment",
            request,
        )
        .await
    }

    async fn check_access(
        &self,
        request: Request<pb::CheckAccessRequest>,
    ) -> Result<Response<pb::CheckAccessResponse>, Status> {
        self.answer::<_, access::CheckAccess, _>("/strongroom.v1.AccessService/CheckAccess", request).await
    }
}
