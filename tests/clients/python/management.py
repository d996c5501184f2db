"""Tests azure-mgmt-keyvault, synchronous and asynchronous: the lifecycle of a managed HSM as a resource."""

import os

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.keyvault.models import (
    CheckMhsmNameAvailabilityParameters,
    CreateMode,
    ManagedHsm,
    ManagedHsmProperties,
    ManagedHsmSku,
    MHSMIPRule,
    MHSMNetworkRuleSet,
)
from flavours import credential, finished, listed, managed_hsms, play, principal, refused

GROUP = os.environ["AZURE_RESOURCE_GROUP"]
TENANT = os.environ["AZURE_TENANT_ID"]
ADMINISTRATOR = os.environ["USER_OBJECT_ID"]
LOCATION = "localhost"
PORT = os.environ["ARM_ENDPOINT"].rsplit(":", 1)[1]


def wanted(**properties):
    properties = ManagedHsmProperties(tenant_id=TENANT, initial_admin_object_ids=[ADMINISTRATOR], **properties)
    sku = ManagedHsmSku(family="B", name="Standard_B1")
    return ManagedHsm(location=LOCATION, sku=sku, properties=properties, tags={"team": "billing"})


async def is_free(name):
    question = CheckMhsmNameAvailabilityParameters(name=name)
    return (await HSMS.check_mhsm_name_availability(question)).name_available


async def creation():
    assert await is_free("payroll") and not await is_free("local")
    rules = MHSMNetworkRuleSet(bypass="None", default_action="Deny", ip_rules=[MHSMIPRule(value="203.0.113.0/24")])
    parameters = wanted(soft_delete_retention_in_days=7, network_acls=rules)
    made = await finished(HSMS.begin_create_or_update(GROUP, "payroll", parameters))
    assert made.properties.provisioning_state == "Succeeded", made
    assert made.properties.hsm_uri == f"https://payroll.managedhsm.localhost:{PORT}/"
    assert (made.location, made.tags, made.sku.name) == (LOCATION, {"team": "billing"}, "Standard_B1")
    assert made.properties.initial_admin_object_ids == [ADMINISTRATOR]
    assert made.properties.soft_delete_retention_in_days == 7 and made.properties.enable_soft_delete
    assert made.properties.network_acls.ip_rules[0].value == "203.0.113.0/24"
    assert made.properties.security_domain_properties.activation_status == "NotActivated"
    assert (await HSMS.get(GROUP, "payroll")).as_dict() == made.as_dict()
    assert not await is_free("payroll")
    for items in (HSMS.list_by_subscription(), HSMS.list_by_resource_group(GROUP), HSMS.list_by_subscription(top=1)):
        assert [hsm.name for hsm in await listed(items)] == ["local", "payroll"]


async def update():
    hsm = await HSMS.get(GROUP, "payroll")
    hsm.tags = {"team": "audit"}
    changed = await finished(HSMS.begin_update(GROUP, "payroll", hsm))
    assert changed.tags == {"team": "audit"}
    assert changed.properties.network_acls.default_action == "Deny"
    fixed = wanted(soft_delete_retention_in_days=8)
    refusal = HSMS.begin_create_or_update(GROUP, "payroll", fixed)
    await refused(HttpResponseError, refusal, "softDeleteRetentionInDays")


async def deletion():
    await finished(HSMS.begin_delete(GROUP, "payroll"))
    await refused(ResourceNotFoundError, HSMS.get(GROUP, "payroll"), "(ResourceNotFound)")
    [deleted] = await listed(HSMS.list_deleted())
    assert deleted.properties.mhsm_id.endswith("/managedHSMs/payroll")
    assert (deleted.properties.scheduled_purge_date - deleted.properties.deletion_date).days == 7
    assert (await HSMS.get_deleted("payroll", LOCATION)).as_dict() == deleted.as_dict()
    await refused(ResourceExistsError, HSMS.begin_create_or_update(GROUP, "payroll", wanted()), "recover or purge")
    assert not await is_free("payroll")
    recovering = wanted(create_mode=CreateMode.RECOVER)
    recovered = await finished(HSMS.begin_create_or_update(GROUP, "payroll", recovering))
    assert recovered.tags == {"team": "audit"} and recovered.properties.soft_delete_retention_in_days == 7
    await finished(HSMS.begin_delete(GROUP, "payroll"))
    await finished(HSMS.begin_purge_deleted("payroll", LOCATION))
    await refused(ResourceNotFoundError, HSMS.get_deleted("payroll", LOCATION))
    assert await is_free("payroll") and await listed(HSMS.list_deleted()) == []


async def unauthorized_principals():
    user = managed_hsms(principal("USER"))
    refusal = await refused(HttpResponseError, user.get(GROUP, "local"), "Microsoft.KeyVault/managedHSMs/read")
    assert (refusal.status_code, refusal.error.code) == (403, "AuthorizationFailed"), refusal


async def scenario():
    """Creates the clients: asynchronous ones must be created in the event loop that uses them."""
    global HSMS
    HSMS = managed_hsms(credential())


play(scenario, creation, update, deletion, unauthorized_principals)
