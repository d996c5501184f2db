"""Tests KeyClient, synchronous and asynchronous: the lifecycle of keys and their properties."""

from datetime import datetime, timezone

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.keyvault.keys import (
    ApiVersion,
    KeyCurveName,
    KeyOperation,
    KeyRotationLifetimeAction,
    KeyRotationPolicy,
    KeyRotationPolicyAction,
    KeyType,
)
from flavours import (
    URL,
    DefaultAzureCredential,
    credential,
    delete,
    key_client,
    listed,
    play,
    principal,
    recover,
    refused,
)


async def names_and_urls():
    key = await KEYS.create_oct_key("names", size=128, hardware_protected=True, tags={"team": "billing"})
    assert key.id.startswith(f"{URL}/keys/names/"), key.id
    assert key.properties.vault_url == URL and key.properties.version == key.id.rsplit("/", 1)[1]
    assert key.properties.tags == {"team": "billing"} and key.properties.recoverable_days == 90
    assert key.properties.recovery_level == "Recoverable+Purgeable"
    # Without a version, the SDK writes an empty one: /keys/names/
    assert (await KEYS.get_key("names")).id == key.id
    assert (await KEYS.get_key("names", key.properties.version)).id == key.id


async def kinds():
    """The HSM creates HSM-protected keys, whichever key type is requested."""
    for size, exponent, e in [(2048, 17, b"\x11"), (3072, None, b"\x01\x00\x01"), (4096, None, b"\x01\x00\x01")]:
        key = await KEYS.create_rsa_key(f"rsa-{size}", size=size, public_exponent=exponent)
        assert (key.key_type, len(key.key.n) * 8, key.key.e) == (KeyType.rsa_hsm, size, e)
    for curve, width in [
        (KeyCurveName.p_256, 32),
        (KeyCurveName.p_256_k, 32),
        (KeyCurveName.p_384, 48),
        (KeyCurveName.p_521, 66),
    ]:
        key = await KEYS.create_ec_key(f"ec-{curve.value}", curve=curve)
        assert (key.key_type, key.key.crv, len(key.key.x), len(key.key.y)) == (KeyType.ec_hsm, curve, width, width)
    for size in (128, 192, 256):
        key = await KEYS.create_oct_key(f"oct-{size}", size=size)
        assert (key.key_type, key.key.k) == (KeyType.oct_hsm, None)
    # With the general method, and with chosen key operations.
    key = await KEYS.create_key("general", "RSA-HSM", size=2048, key_operations=[KeyOperation.sign, "verify"])
    assert sorted(key.key_operations) == ["sign", "verify"] and not key.properties.exportable


async def dates():
    """The expiration date may be in the past, and the activation date in the far future."""
    old, far = datetime(2000, 1, 1, tzinfo=timezone.utc), datetime(3000, 1, 1, tzinfo=timezone.utc)
    assert (await KEYS.create_ec_key("expired", expires_on=old)).properties.expires_on == old
    assert (await KEYS.create_ec_key("early", not_before=far)).properties.not_before == far
    disabled = await KEYS.create_ec_key("disabled", enabled=False)
    assert disabled.properties.enabled is False
    assert disabled.properties.created_on == disabled.properties.updated_on


async def updates():
    made = await KEYS.create_rsa_key("life", hardware_protected=True)
    expires = datetime(2090, 1, 1, tzinfo=timezone.utc)
    changed = await KEYS.update_key_properties("life", enabled=False, expires_on=expires, tags={"a": "b"})
    assert (changed.properties.enabled, changed.properties.expires_on) == (False, expires)
    again = await KEYS.update_key_properties("life", made.properties.version, enabled=True, key_operations=["sign"])
    assert again.properties.tags == {"a": "b"} and again.properties.expires_on == expires
    assert again.key_operations == ["sign"]


async def lists():
    first, second = await KEYS.get_key("life"), await KEYS.create_rsa_key("life", hardware_protected=True)
    versions = await listed(KEYS.list_properties_of_key_versions("life", max_page_size=1))
    assert [version.id for version in versions] == [first.id, second.id], versions
    assert versions[0].tags == {"a": "b"} and versions[0].expires_on and versions[0].recovery_level
    assert await listed(KEYS.list_properties_of_key_versions("never-made")) == []
    for number in range(27):
        await KEYS.create_oct_key(f"listed-{number}", hardware_protected=True)
    items = {item.name: item for item in await listed(KEYS.list_properties_of_keys(max_page_size=6))}
    assert len([name for name in items if name.startswith("listed-")]) == 27, items
    assert items["life"].id == f"{URL}/keys/life" and items["life"].version is None
    assert items["expired"].expires_on and items["names"].tags == {"team": "billing"}
    assert not items["disabled"].enabled and items["names"].created_on


async def deletion():
    current, versions = await KEYS.get_key("life"), await listed(KEYS.list_properties_of_key_versions("life"))
    deleted = await delete(KEYS, "life")
    assert deleted.id == current.id and deleted.recovery_id == f"{URL}/deletedkeys/life"
    assert (deleted.scheduled_purge_date - deleted.deleted_date).days == 90
    assert (await KEYS.get_deleted_key("life")).deleted_date == deleted.deleted_date
    await delete(KEYS, "early")
    [early, life] = await listed(KEYS.list_deleted_keys(max_page_size=1))
    assert (early.name, life.name, life.recovery_id) == ("early", "life", deleted.recovery_id)
    missing = await refused(ResourceNotFoundError, KEYS.get_key("life"), f"Key not found: {URL}/keys/life")
    assert missing.error.code == "KeyNotFound" and missing.status_code == 404
    taken = await refused(ResourceExistsError, KEYS.create_ec_key("life"))
    assert taken.error.code == "Conflict" and "deleted but recoverable" in taken.message
    assert (await recover(KEYS, "life")).id == current.id
    again = await listed(KEYS.list_properties_of_key_versions("life"))
    assert [(one.id, one.tags, one.updated_on) for one in again] == [(o.id, o.tags, o.updated_on) for o in versions]
    await delete(KEYS, "life")
    await KEYS.purge_deleted_key("life")
    await refused(ResourceNotFoundError, KEYS.get_deleted_key("life"))
    await refused(ResourceNotFoundError, KEYS.get_key("life"))
    assert (await KEYS.create_ec_key("life")).key_type == KeyType.ec_hsm


async def backup():
    first = await KEYS.create_oct_key("kept", hardware_protected=True, tags={"team": "billing"})
    await KEYS.create_rsa_key("kept", hardware_protected=True)
    versions = await listed(KEYS.list_properties_of_key_versions("kept"))
    backup = await KEYS.backup_key("kept")
    taken = await refused(ResourceExistsError, KEYS.restore_key_backup(backup))
    assert taken.error.code == "Conflict", taken
    await delete(KEYS, "kept")
    await refused(ResourceExistsError, KEYS.restore_key_backup(backup), "deleted but recoverable")
    await KEYS.purge_deleted_key("kept")
    for wrong in (b"", b"none", backup[:-1], backup[:50] + b"A" + backup[51:]):
        malformed = await refused(HttpResponseError, KEYS.restore_key_backup(wrong), "different crypto domain")
        assert (malformed.status_code, malformed.error.code) == (400, "MalformedBackupBlob"), malformed
    restored = await KEYS.restore_key_backup(backup)
    again = await listed(KEYS.list_properties_of_key_versions("kept"))
    assert restored.id == versions[1].id and versions[0].id == first.id
    assert [(one.id, one.tags, one.created_on, one.updated_on) for one in again] == [
        (one.id, one.tags, one.created_on, one.updated_on) for one in versions
    ]
    await refused(ResourceNotFoundError, KEYS.backup_key("none"), "Key not found")


async def rotation():
    made = await KEYS.create_ec_key("rotated", hardware_protected=True, curve="P-384")
    blank = await KEYS.get_key_rotation_policy("rotated")
    assert (blank.lifetime_actions, blank.expires_in) == ([], None)
    action = KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create="P2M")
    policy = await KEYS.update_key_rotation_policy(
        "rotated", KeyRotationPolicy(), lifetime_actions=[action], expires_in="P90D"
    )
    assert policy.id == "keys/rotated/rotationpolicy" and policy.expires_in == "P90D"
    assert policy.created_on and policy.updated_on
    policy = await KEYS.get_key_rotation_policy("rotated")
    [shown] = policy.lifetime_actions
    # The service returns the action in lower case.
    assert shown.action.lower() == KeyRotationPolicyAction.rotate.value.lower()
    assert (shown.time_after_create, shown.time_before_expiry) == ("P2M", None)
    rotated = await KEYS.rotate_key("rotated")
    lifetime = rotated.properties.expires_on - rotated.properties.created_on
    assert lifetime.days == 90 and rotated.key.crv == "P-384" and rotated.id != made.id
    await refused(HttpResponseError, KEYS.rotate_key("names"), "(BadParameter)")
    await refused(ResourceNotFoundError, KEYS.rotate_key("none"), "Key not found: Key not found: ")


async def random():
    first, second = await KEYS.get_random_bytes(128), await KEYS.get_random_bytes(128)
    assert len(first) == len(second) == 128 and first != second
    message = "count cannot be greater than 128 or less than 1"
    await refused(HttpResponseError, KEYS.get_random_bytes(129), message)


async def api_versions():
    current = await KEYS.get_key("names")
    for version in ApiVersion:
        client = key_client(CREDENTIAL, api_version=version)
        assert (await client.get_key("names")).id == current.id, version


async def authorized_principals():
    for who in (credential(DefaultAzureCredential), principal("AZURE")):
        assert (await key_client(who).get_key("names")).name == "names", who


async def unauthorized_principals():
    user = key_client(principal("USER"))
    refusal = await refused(HttpResponseError, user.get_key("names"), "(AccessDenied)")
    assert refusal.status_code == 403 and "keys/read/action on /keys/names" in str(refusal), refusal
    wrong = key_client(principal("USER", "wrong"))
    await refused(ClientAuthenticationError, wrong.get_key("names"), "AADSTS7000215")


async def scenario():
    """Creates the clients: asynchronous ones must be created in the event loop that uses them."""
    global CREDENTIAL, KEYS
    CREDENTIAL = credential()
    KEYS = key_client(CREDENTIAL)


play(
    scenario,
    names_and_urls,
    kinds,
    dates,
    updates,
    lists,
    deletion,
    backup,
    rotation,
    random,
    api_versions,
    authorized_principals,
    unauthorized_principals,
)
