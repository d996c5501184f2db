"""Tests AzureKeyVaultBackend of Apache Airflow: connections, variables and configuration in the secrets of a vault."""

import json
import os

VAULT = os.environ["AZURE_VAULT_URL"]

# Airflow reads its configuration when it is imported.
os.environ |= {
    "AIRFLOW_HOME": os.path.join(os.getcwd(), "airflow"),
    "AIRFLOW__SECRETS__BACKEND": "airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend",
    "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"vault_url": VAULT}),
}

from airflow.configuration import ensure_secrets_loaded
from airflow.models import Connection, Variable
from airflow.providers.microsoft.azure.secrets.key_vault import AzureKeyVaultBackend
from azure.identity import EnvironmentCredential
from azure.keyvault.secrets import SecretClient

secrets = SecretClient(VAULT, EnvironmentCredential())
secrets.set_secret("airflow-connections-warehouse", "postgresql://web:hunter2@db.example:5432/orders")
secrets.set_secret("airflow-variables-greeting", "hello")
secrets.set_secret("airflow-config-from-email", "jobs@example.com")

[backend] = [one for one in ensure_secrets_loaded() if isinstance(one, AzureKeyVaultBackend)]
connection = Connection.get_connection_from_secrets("warehouse")
assert (connection.conn_type, connection.host, connection.password) == ("postgres", "db.example", "hunter2"), connection
assert Variable.get_variable_from_secrets("greeting") == "hello"
assert backend.get_config("from-email") == "jobs@example.com"

# A new value is read at once; a secret that does not exist, or is deleted, is none.
secrets.set_secret("airflow-variables-greeting", "good evening")
assert Variable.get_variable_from_secrets("greeting") == "good evening"
assert backend.get_variable("farewell") is None
secrets.begin_delete_secret("airflow-variables-greeting").wait()
assert backend.get_variable("greeting") is None
