"""A program written for Azure, without any setting for Strongroom, not even the authority."""

import os

from azure.identity import DefaultAzureCredential
from azure.keyvault.administration import KeyVaultSettingsClient
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import SignatureAlgorithm
from azure.mgmt.keyvault import KeyVaultManagementClient

credential = DefaultAzureCredential()
management = KeyVaultManagementClient(credential, os.environ["AZURE_SUBSCRIPTION_ID"])
[hsm] = list(management.managed_hsms.list_by_subscription())
url = hsm.properties.hsm_uri
assert url == "https://local.managedhsm.azure.net/", url
keys = KeyClient(url, credential)
key = keys.create_ec_key("from-python", hardware_protected=True)
assert key.id.startswith(f"{url}keys/from-python/"), key.id
client = keys.get_cryptography_client("from-python")
signed = client.sign(SignatureAlgorithm.es256, b"7" * 32)
assert client.verify(SignatureAlgorithm.es256, b"7" * 32, signed.signature).is_valid
assert [setting.value for setting in KeyVaultSettingsClient(url, credential).list_settings()] == ["false"]
