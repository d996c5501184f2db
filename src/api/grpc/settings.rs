//! Implements `strongroom.v1.SettingService`: each method runs one operation.

use tonic::{Request, Response, Status};

use super::Services;
use super::pb::{self, setting_service_server::SettingService};
use crate::ops::settings;

#[tonic::async_trait]
impl SettingService for Services {
    async fn list_settings(
        &self,
        request: Request<pb::ListSettingsRequest>,
    ) -> Result<Response<pb::ListSettingsResponse>, Status> {
        self.answer::<_, settings::ListSettings, _>("/strongroom.v1.SettingService/ListSettings", request)
            .await
    }

    async fn get_setting(
        &self,
        request: Request<pb::GetSettingRequest>,
    ) -> Result<Response<pb::Setting>, Status> {
        self.answer::<_, settings::GetSetting, _>("/strongroom.v1.SettingService/GetSetting", request).await
    }

    async fn update_setting(
        &self,
        request: Request<pb::UpdateSettingRequest>,
    ) -> Result<Response<pb::Setting>, Status> {
        self.answer::<_, settings::UpdateSetting, _>("/strongroom.v1.SettingService/UpdateSetting", request)
            .await
    }
}
