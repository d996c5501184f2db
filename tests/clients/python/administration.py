"""Tests azure-keyvault-administration, synchronous and asynchronous: local RBAC at every scope, and settings."""

import os
import uuid

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.administration import (
    ApiVersion,
    KeyVaultDataAction,
    KeyVaultPermission,
    KeyVaultRoleScope,
    KeyVaultSetting,
    KeyVaultSettingType,
)
from flavours import access_control_client, credential, key_client, listed, play, principal, refused, settings_client

SETTING = "AllowKeyManagementOperationsThroughARM"
# The object id of the principal to which roles are assigned.
ASSIGNEE = os.environ["USER_OBJECT_ID"]


async def built_in_roles():
    roles = await listed(ACCESS.list_role_definitions(KeyVaultRoleScope.GLOBAL))
    roles = {role.role_name: role for role in roles if role.role_type == "AKVBuiltInRole"}
    assert len(roles) == 10, roles
    user = roles["Managed HSM Crypto User"]
    assert user.name == "21dbd100-6940-42c2-9190-5d6cb909625b" and user.assignable_scopes == ["/"]
    assert KeyVaultDataAction.SIGN_HSM_KEY in user.permissions[0].data_actions
    read = await ACCESS.get_role_definition(KeyVaultRoleScope.GLOBAL, user.name)
    assert (read.id, read.description) == (user.id, "")
    for change in (
        ACCESS.set_role_definition(KeyVaultRoleScope.GLOBAL, name=user.name, role_name="mine"),
        ACCESS.delete_role_definition(KeyVaultRoleScope.GLOBAL, user.name),
    ):
        await refused(HttpResponseError, change, "Cannot re-use the name/GUID matching that of a built-in role")


async def custom_roles():
    before = [role.id for role in await listed(ACCESS.list_role_definitions(KeyVaultRoleScope.GLOBAL))]
    permission = KeyVaultPermission(data_actions=[KeyVaultDataAction.SIGN_HSM_KEY])
    made = await ACCESS.set_role_definition(
        KeyVaultRoleScope.GLOBAL, role_name="Signer", description="signs", permissions=[permission]
    )
    assert (made.role_name, made.description) == ("Signer", "signs")
    assert made.role_type == "CustomRole" and uuid.UUID(made.name)
    assert made.permissions[0].data_actions == [KeyVaultDataAction.SIGN_HSM_KEY]
    assert made.permissions[0].not_data_actions == []
    replaced = await ACCESS.set_role_definition(
        KeyVaultRoleScope.GLOBAL,
        name=made.name,
        role_name="Nobody",
        permissions=[KeyVaultPermission(not_data_actions=[KeyVaultDataAction.SIGN_HSM_KEY])],
    )
    # The definition is replaced: members that are not sent are reset.
    assert (replaced.id, replaced.role_name, replaced.description) == (made.id, "Nobody", "")
    roles = [role.id for role in await listed(ACCESS.list_role_definitions(KeyVaultRoleScope.GLOBAL))]
    assert roles == [*before, made.id]
    await ACCESS.delete_role_definition(KeyVaultRoleScope.GLOBAL, made.name)
    # Deleting a missing definition succeeds: the SDK ignores the 404 response.
    await ACCESS.delete_role_definition(KeyVaultRoleScope.GLOBAL, made.name)
    await refused(ResourceNotFoundError, ACCESS.get_role_definition(KeyVaultRoleScope.GLOBAL, made.name))
    await refused(
        HttpResponseError,
        ACCESS.set_role_definition(KeyVaultRoleScope.GLOBAL, name="no-guid", role_name="x"),
        "Role definition name must be a GUID",
    )


async def assignments():
    """Assigns at the HSM, at all keys and at one key: each grants access below its scope, and is listed at its scope."""
    await KEYS.create_ec_key("invoices")
    await KEYS.create_ec_key("others")
    roles = await listed(ACCESS.list_role_definitions("/"))
    [crypto_user] = [role for role in roles if role.role_name == "Managed HSM Crypto User"]
    user = key_client(principal("USER"))
    both = {"invoices", "others"}
    for scope, accessible in (("/", both), ("/keys", both), ("/keys/invoices", {"invoices"})):
        for name in both:
            await refused(HttpResponseError, user.get_key(name), "(AccessDenied)")
        name = uuid.uuid4()
        made = await ACCESS.create_role_assignment(scope, crypto_user.id, ASSIGNEE, name=name)
        assert (made.name, made.properties.scope) == (str(name), scope)
        assert made.role_assignment_id == f"/providers/Microsoft.Authorization/roleAssignments/{name}"
        assert (made.properties.principal_id, made.properties.role_definition_id) == (ASSIGNEE, crypto_user.id)
        exists = ACCESS.create_role_assignment(scope, crypto_user.id, ASSIGNEE, name=name)
        refusal = await refused(HttpResponseError, exists, "The role assignment already exists.")
        assert (refusal.status_code, refusal.error.code) == (400, "RoleAssignmentExists")
        read = await ACCESS.get_role_assignment(scope, made.name)
        assert read.role_assignment_id == made.role_assignment_id
        there = await listed(ACCESS.list_role_assignments(scope))
        assert made.role_assignment_id in [one.role_assignment_id for one in there], scope
        assert all(one.properties.scope == scope for one in there), scope
        for key in accessible:
            assert (await user.get_key(key)).name == key
        for key in both - accessible:
            await refused(HttpResponseError, user.get_key(key), "(AccessDenied)")
        await ACCESS.delete_role_assignment(scope, made.name)
        await ACCESS.delete_role_assignment(scope, made.name)
        await refused(ResourceNotFoundError, ACCESS.get_role_assignment(scope, made.name))


async def settings():
    [setting] = await listed(SETTINGS.list_settings())
    assert (setting.name, setting.setting_type, setting.getboolean()) == (SETTING, KeyVaultSettingType.BOOLEAN, False)
    for value in (True, False):
        changed = await SETTINGS.update_setting(KeyVaultSetting(SETTING, value, KeyVaultSettingType.BOOLEAN))
        assert (changed.name, changed.getboolean()) == (SETTING, value)
        assert (await SETTINGS.get_setting(SETTING)).getboolean() == value
    for call in (SETTINGS.get_setting("other"), SETTINGS.update_setting(KeyVaultSetting("other", True))):
        refusal = await refused(HttpResponseError, call, "Invalid setting name.")
        assert (refusal.status_code, refusal.error.code) == (400, "InvalidSetting")


async def api_versions():
    for version in ApiVersion:
        roles = await listed(access_control_client(CREDENTIAL, api_version=version).list_role_definitions("/"))
        assert len(roles) >= 10, version


async def unauthorized_principals():
    user = principal("USER")
    for call, action in (
        (settings_client(user).get_setting(SETTING), "settings/read/action on /"),
        (access_control_client(user).set_role_definition("/", role_name="x"), "roleDefinitions/write/action on /"),
        (
            access_control_client(user).create_role_assignment("/keys", str(uuid.uuid4()), ASSIGNEE),
            "roleAssignments/write/action on /keys",
        ),
    ):
        denied = f"Not authorized to access Microsoft.KeyVault/managedHsm/{action}"
        refusal = await refused(HttpResponseError, call, denied)
        assert (refusal.status_code, refusal.error.code) == (403, "AccessDenied"), refusal


async def scenario():
    """Creates the clients: asynchronous ones must be created in the event loop that uses them."""
    global ACCESS, CREDENTIAL, KEYS, SETTINGS
    CREDENTIAL = credential()
    ACCESS, KEYS, SETTINGS = access_control_client(CREDENTIAL), key_client(CREDENTIAL), settings_client(CREDENTIAL)


play(scenario, built_in_roles, custom_roles, assignments, settings, api_versions, unauthorized_principals)
