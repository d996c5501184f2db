"""Tests AzureKeyVaultSettingsSource of pydantic-settings: an application that reads its settings from the secrets of a vault."""

import os

from azure.identity import EnvironmentCredential
from azure.keyvault.secrets import SecretClient
from pydantic import BaseModel
from pydantic_settings import AzureKeyVaultSettingsSource, BaseSettings

VAULT = os.environ["AZURE_VAULT_URL"]
CREDENTIAL = EnvironmentCredential(disable_instance_discovery=True)


class Database(BaseModel):
    user: str
    password: str


class Settings(BaseSettings):
    api_key: str
    database: Database

    @classmethod
    def settings_customise_sources(cls, settings_cls, **sources):
        return (AzureKeyVaultSettingsSource(settings_cls, VAULT, CREDENTIAL, dash_to_underscore=True),)


secrets = SecretClient(VAULT, CREDENTIAL)
for name, value in {"api-key": "k", "database--user": "web", "database--password": "hunter2"}.items():
    secrets.set_secret(name, value)
assert Settings().model_dump() == {"api_key": "k", "database": {"user": "web", "password": "hunter2"}}
