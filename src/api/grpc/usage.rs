//! Implements `strongroom.v1.UsageService`: each method runs one operation.

use tonic::{Request, Response, Status};

use super::Services;
use super::pb::{self, usage_service_server::UsageService};
use crate::ops::usage;

#[tonic::async_trait]
impl UsageService for Services {
    async fn get_statement(
        &self,
        request: Request<pb::GetStatementRequest>,
    ) -> Result<Response<pb::Statement>, Status> {
        self.answer::<_, usage::GetStatement, _>("/strongroom.v1.UsageService/GetStatement", request).await
    }

    async fn get_forecast(
        &self,
        request: Request<pb::GetForecastRequest>,
    ) -> Result<Response<pb::Forecast>, Status> {
        self.answer::<_, usage::GetForecast, _>("/strongroom.v1.UsageService/GetForecast", request).await
    }

    async fn list_usage(
        &self,
        request: Request<pb::ListUsageRequest>,
    ) -> Result<Response<pb::ListUsageResponse>, Status> {
        self.answer::<_, usage::ListUsage, _>("/strongroom.v1.UsageService/ListUsage", request).await
    }

    async fn export_usage(
        &self,
        request: Request<pb::ExportUsageRequest>,
    ) -> Result<Response<pb::ExportUsageResponse>, Status> {
        self.answer::<_, usage::ExportUsage, _>("/strongroom.v1.UsageService/ExportUsage", request).await
    }

    async fn create_budget(
        &self,
        request: Request<pb::CreateBudgetRequest>,
    ) -> Result<Response<pb::Budget>, Status> {
        self.answer::<_, usage::CreateBudget, _>("/strongroom.v1.UsageService/CreateBudget", request).await
    }

    async fn get_budget(
        &self,
        request: Request<pb::GetBudgetRequest>,
    ) -> Result<Response<pb::Budget>, Status> {
        self.answer::<_, usage::GetBudget, _>("/strongroom.v1.UsageService/GetBudget", request).await
    }

    async fn list_budgets(
        &self,
        request: Request<pb::ListBudgetsRequest>,
    ) -> Result<Response<pb::ListBudgetsResponse>, Status> {
        self.answer::<_, usage::ListBudgets, _>("/strongroom.v1.UsageService/ListBudgets", request).await
    }

    async fn delete_budget(
        &self,
        request: Request<pb::DeleteBudgetRequest>,
    ) -> Result<Response<pb::Budget>, Status> {
        self.answer::<_, usage::DeleteBudget, _>("/strongroom.v1.UsageService/DeleteBudget", request).await
    }
}
