"""Tests azure-mgmt-keyvault, synchronous and asynchronous: the lifecycle of a vault as a resource, and its contents as resources."""

import os

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.keyvault.models import (
    AccessPolicyEntry,
    KeyCreateParameters,
    KeyProperties,
    Permissions,
    SecretAttributes,
    SecretCreateOrUpdateParameters,
    SecretPatchParameters,
    SecretPatchProperties,
    SecretProperties,
    Sku,
    VaultAccessPolicyParameters,
    VaultAccessPolicyProperties,
    VaultCheckNameAvailabilityParameters,
    VaultCreateOrUpdateParameters,
    VaultPatchParameters,
    VaultPatchProperties,
    VaultProperties,
)
from flavours import credential, finished, keys_of_vaults, listed, play, principal, refused, secrets_of_vaults, vaults

GROUP = os.environ["AZURE_RESOURCE_GROUP"]
TENANT = os.environ["AZURE_TENANT_ID"]
USER = os.environ["USER_OBJECT_ID"]
LOCATION = "localhost"
PORT = os.environ["ARM_ENDPOINT"].rsplit(":", 1)[1]


def wanted(**properties):
    sku = Sku(family="A", name="standard")
    properties = VaultProperties(tenant_id=TENANT, sku=sku, **properties)
    return VaultCreateOrUpdateParameters(location=LOCATION, properties=properties, tags={"team": "web"})


def policy(**permissions):
    # `keys` is a method of the model, which therefore calls the list `keys_property`.
    permissions = {{"keys": "keys_property"}.get(name, name): names for name, names in permissions.items()}
    return AccessPolicyEntry(tenant_id=TENANT, object_id=USER, permissions=Permissions(**permissions))


async def is_free(name):
    question = VaultCheckNameAvailabilityParameters(name=name, type="Microsoft.KeyVault/vaults")
    return (await VAULTS.check_name_availability(question)).name_available


async def creation():
    assert await is_free("contoso")
    parameters = wanted(
        soft_delete_retention_in_days=7, access_policies=[policy(secrets=["get"])], enable_rbac_authorization=False
    )
    made = await finished(VAULTS.begin_create_or_update(GROUP, "contoso", parameters))
    assert made.properties.provisioning_state == "Succeeded", made
    assert made.properties.vault_uri == f"https://contoso.vault.localhost:{PORT}/"
    assert (made.location, made.tags, made.properties.sku.name) == (LOCATION, {"team": "web"}, "standard")
    assert made.properties.access_policies[0].permissions.secrets == ["get"]
    assert made.properties.enable_rbac_authorization is False and made.properties.enable_soft_delete
    assert (await VAULTS.get(GROUP, "contoso")).as_dict() == made.as_dict()
    assert not await is_free("contoso")
    by_default = await finished(VAULTS.begin_create_or_update(GROUP, "fabrikam", wanted(access_policies=[])))
    assert by_default.properties.enable_rbac_authorization
    assert by_default.properties.soft_delete_retention_in_days == 90
    for items in (VAULTS.list_by_subscription(), VAULTS.list_by_resource_group(GROUP), VAULTS.list(top=1)):
        assert [vault.name for vault in await listed(items)] == ["contoso", "demo", "fabrikam"]


async def access_policies():
    async def changed(kind, entry):
        properties = VaultAccessPolicyProperties(access_policies=[entry])
        parameters = VaultAccessPolicyParameters(properties=properties)
        result = await VAULTS.update_access_policy(GROUP, "contoso", kind, parameters)
        return [entry.permissions.as_dict() for entry in result.properties.access_policies]

    assert await changed("add", policy(secrets=["list"], keys=["all"])) == [{"keys": ["all"], "secrets": ["get", "list"]}]
    assert await changed("replace", policy(keys=["sign"])) == [{"keys": ["sign"]}]
    assert await changed("remove", policy(keys=["sign"])) == []
    await refused(HttpResponseError, changed("add", policy(secrets=["sign"])), "not a permission for secrets")
    await changed("add", policy(secrets=["get"]))


async def update():
    patch = VaultPatchParameters(tags={"team": "audit"}, properties=VaultPatchProperties(enabled_for_deployment=True))
    changed = await VAULTS.update(GROUP, "contoso", patch)
    assert changed.tags == {"team": "audit"} and changed.properties.enabled_for_deployment
    assert changed.properties.access_policies[0].permissions.secrets == ["get"]
    fixed = wanted(soft_delete_retention_in_days=8, access_policies=[])
    await refused(HttpResponseError, VAULTS.begin_create_or_update(GROUP, "contoso", fixed), "can't be modified")


async def contents():
    properties = SecretProperties(value="first", content_type="text/plain", attributes=SecretAttributes(enabled=True))
    parameters = SecretCreateOrUpdateParameters(tags={"team": "web"}, properties=properties)
    made = await SECRETS.create_or_update(GROUP, "contoso", "database", parameters)
    assert made.id.endswith("/vaults/contoso/secrets/database") and made.tags == {"team": "web"}, made
    assert made.properties.value is None and made.properties.content_type == "text/plain"
    assert made.properties.secret_uri == f"https://contoso.vault.localhost:{PORT}/secrets/database"
    patch = SecretPatchParameters(properties=SecretPatchProperties(attributes=SecretAttributes(enabled=False)))
    changed = await SECRETS.update(GROUP, "contoso", "database", patch)
    assert not changed.properties.attributes.enabled and changed.properties.content_type == "text/plain"
    assert (await SECRETS.get(GROUP, "contoso", "database")).as_dict() == changed.as_dict()
    assert [one.name for one in await listed(SECRETS.list(GROUP, "contoso"))] == ["database"]

    key = KeyCreateParameters(properties=KeyProperties(kty="RSA", key_size=3072, key_ops=["sign", "verify"]))
    made = await KEYS.create_if_not_exist(GROUP, "contoso", "payroll", key)
    assert (made.properties.kty, made.properties.key_size) == ("RSA", 3072), made
    assert made.properties.attributes.recovery_level == "CustomizedRecoverable+Purgeable"
    other = KeyCreateParameters(properties=KeyProperties(kty="EC"))
    again = await KEYS.create_if_not_exist(GROUP, "contoso", "payroll", other)
    assert again.as_dict() == made.as_dict()
    version = made.properties.key_uri_with_version.rsplit("/", 1)[1]
    found = await KEYS.get_version(GROUP, "contoso", "payroll", version)
    assert found.properties.key_uri_with_version == made.properties.key_uri_with_version
    assert [one.name for one in await listed(KEYS.list_versions(GROUP, "contoso", "payroll"))] == [version]
    assert [one.name for one in await listed(KEYS.list(GROUP, "contoso"))] == ["payroll"]
    await refused(ResourceNotFoundError, KEYS.get(GROUP, "contoso", "unknown"))


async def deletion():
    await VAULTS.delete(GROUP, "contoso")
    await refused(ResourceNotFoundError, VAULTS.get(GROUP, "contoso"), "(ResourceNotFound)")
    [deleted] = await listed(VAULTS.list_deleted())
    assert deleted.properties.vault_id.endswith("/vaults/contoso")
    assert (deleted.properties.scheduled_purge_date - deleted.properties.deletion_date).days == 7
    assert (await VAULTS.get_deleted("contoso", LOCATION)).as_dict() == deleted.as_dict()
    again = VAULTS.begin_create_or_update(GROUP, "contoso", wanted(access_policies=[]))
    await refused(ResourceExistsError, again, "deleted state")
    recovering = wanted(create_mode="recover")
    recovered = await finished(VAULTS.begin_create_or_update(GROUP, "contoso", recovering))
    assert recovered.tags == {"team": "audit"} and recovered.properties.soft_delete_retention_in_days == 7
    assert recovered.properties.access_policies[0].permissions.secrets == ["get"]
    await VAULTS.delete(GROUP, "contoso")
    await finished(VAULTS.begin_purge_deleted("contoso", LOCATION))
    await refused(ResourceNotFoundError, VAULTS.get_deleted("contoso", LOCATION))
    assert await is_free("contoso") and await listed(VAULTS.list_deleted()) == []


async def unauthorized_principals():
    user = vaults(principal("USER"))
    refusal = await refused(HttpResponseError, user.get(GROUP, "fabrikam"), "Microsoft.KeyVault/vaults/read")
    assert (refusal.status_code, refusal.error.code) == (403, "AuthorizationFailed"), refusal


async def scenario():
    """Creates the clients: asynchronous ones must be created in the event loop that uses them."""
    global VAULTS, SECRETS, KEYS
    VAULTS = vaults(credential())
    SECRETS, KEYS = secrets_of_vaults(credential()), keys_of_vaults(credential())


play(scenario, creation, access_policies, update, contents, deletion, unauthorized_principals)
