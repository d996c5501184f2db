//! Implements `strongroom.v1.AuthorizationService`: each method runs one operation.

use tonic::{Request, Response, Status};

use super::Services;
use super::pb::{self, authorization_service_server::AuthorizationService};
use crate::ops::authorization;

#[tonic::async_trait]
impl AuthorizationService for Services {
    async fn list_control_role_definitions(
        &self,
        request: Request<pb::ListControlRoleDefinitionsRequest>,
    ) -> Result<Response<pb::ListControlRoleDefinitionsResponse>, Status> {
        self.answer::<_, authorization::ListControlRoleDefinitions, _>(
            "/strongroom.v1.AuthorizationService/ListControlRoleDefinitions",
            request,
        )
        .await
    }

    async fn get_control_role_definition(
        &self,
        request: Request<pb::GetControlRoleDefinitionRequest>,
    ) -> Result<Response<pb::RoleDefinition>, Status> {
        self.answer::<_, authorization::GetControlRoleDefinition, _>(
            "/strongroom.v1.AuthorizationService/GetControlRoleDefinition",
            request,
        )
        .await
    }

    async fn create_control_role_assignment(
        &self,
        request: Request<pb::CreateControlRoleAssignmentRequest>,
    ) -> Result<Response<pb::RoleAssignment>, Status> {
        self.answer::<_, authorization::CreateControlRoleAssignment, _>(
            "/strongroom.v1.AuthorizationService/CreateControlRoleAssignment",
            request,
        )
        .await
    }

    async fn get_control_role_assignment(
        &self,
        request: Request<pb::GetControlRoleAssignmentRequest>,
    ) -> Result<Response<pb::RoleAssignment>, Status> {
        self.answer::<_, authorization::GetControlRoleAssignment, _>(
            "/strongroom.v1.AuthorizationService/GetControlRoleAssignment",
            request,
        )
        .await
    }

    async fn list_control_role_assignments(
        &self,
        request: Request<pb::ListControlRoleAssignmentsRequest>,
    ) -> Result<Response<pb::ListControlRoleAssignmentsResponse>, Status> {
        self.answer::<_, authorization::ListControlRoleAssignments, _>(
            "/strongroom.v1.AuthorizationService/ListControlRoleAssignments",
            request,
        )
        .await
    }

    async fn delete_control_role_assignment(
        &self,
        request: Request<pb::DeleteControlRoleAssignmentRequest>,
    ) -> Result<Response<pb::RoleAssignment>, Status> {
        self.answer::<_, authorization::DeleteControlRoleAssignment, _>(
            "/strongroom.v1.AuthorizationService/DeleteControlRoleAssignment",
            request,
        )
        .await
    }

    async fn check_control_access(
        &self,
        request: Request<pb::CheckControlAccessRequest>,
    ) -> Result<Response<pb::CheckAccessResponse>, Status> {
        self.answer::<_, authorization::CheckControlAccess, _>(
            "/strongroom.v1.AuthorizationService/CheckControlAccess",
            request,
        )
        .await
    }
}
