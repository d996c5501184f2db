"""Tests azure-keyvault-secrets, synchronous and asynchronous: the lifecycle of secrets in a vault."""

import datetime
import os

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from flavours import credential, delete, listed, play, principal, recover, refused, secret_client

VAULT = os.environ["AZURE_VAULT_URL"]
OTHER = os.environ["OTHER_VAULT_URL"]
PORT = VAULT.rsplit(":", 1)[1]
UTC = datetime.timezone.utc


async def values_and_properties():
    expires = datetime.datetime(2037, 1, 1, tzinfo=UTC)
    made = await SECRETS.set_secret(
        "Password", "hunter2", content_type="text/plain", tags={"team": "web"}, expires_on=expires
    )
    properties = made.properties
    assert (made.name, made.value) == ("Password", "hunter2")
    assert made.id == f"{VAULT}/secrets/Password/{properties.version}", made.id
    assert (properties.vault_url, properties.content_type, properties.tags) == (VAULT, "text/plain", {"team": "web"})
    assert (properties.enabled, properties.expires_on, properties.not_before) == (True, expires, None)
    assert (properties.recovery_level, properties.recoverable_days) == ("Recoverable+Purgeable", 90)
    # Names are matched ignoring case, and returned as they were created.
    read = await SECRETS.get_secret("PASSWORD")
    assert (read.id, read.value) == (made.id, "hunter2")
    for value in ("", " \t\n", "ключ \u0001 \"", "x" * 25_600):
        await SECRETS.set_secret("values", value)
        assert (await SECRETS.get_secret("values")).value == value
    await refused_by(SECRETS.set_secret("values", "x" * 25_601), HttpResponseError, 400, "25600")
    await refused_by(SECRETS.set_secret("under_score", "x"), HttpResponseError, 400, "BadParameter")


async def versions_and_lists():
    made = [await SECRETS.set_secret("rotated", f"value-{number}") for number in range(3)]
    ids = [secret.properties.version for secret in made]
    assert len(set(ids)) == 3
    assert (await SECRETS.get_secret("rotated", ids[0])).value == "value-0"
    assert (await SECRETS.get_secret("rotated")).value == "value-2"
    assert [item.version for item in await listed(SECRETS.list_properties_of_secret_versions("rotated"))] == ids
    await refused_by(SECRETS.get_secret("rotated", "0" * 32), ResourceNotFoundError, 404, "SecretNotFound")
    for number in range(30):
        await SECRETS.set_secret(f"many-{number:02}", "x")
    names = [item.name for item in await listed(SECRETS.list_properties_of_secrets())]
    assert [name for name in names if name.startswith("many-")] == [f"many-{number:02}" for number in range(30)]
    assert names.count("rotated") == 1
    few = [item.name for item in await listed(SECRETS.list_properties_of_secrets(max_page_size=7))]
    assert few == names


async def updates():
    made = await SECRETS.set_secret("changing", "x", tags={"a": "b"})
    before = datetime.datetime(2020, 1, 1, tzinfo=UTC)
    changed = await SECRETS.update_secret_properties(
        "changing", enabled=False, not_before=before, content_type="application/json"
    )
    assert (changed.version, changed.enabled, changed.not_before) == (made.properties.version, False, before)
    assert (changed.content_type, changed.tags) == ("application/json", {"a": "b"})
    await refused_by(SECRETS.get_secret("changing"), HttpResponseError, 403, "Operation get is not allowed on a disabled secret.")
    await SECRETS.update_secret_properties("changing", enabled=True, tags={})
    # The validity period is informative: an expired secret can be read.
    await SECRETS.update_secret_properties("changing", expires_on=datetime.datetime(2021, 1, 1, tzinfo=UTC))
    assert (await SECRETS.get_secret("changing")).value == "x"


async def deletion_and_recovery():
    made = await SECRETS.set_secret("lost", "found")
    deleted = await delete(SECRETS, "lost", "secret")
    assert deleted.recovery_id == f"{VAULT}/deletedsecrets/lost", deleted.recovery_id
    assert deleted.scheduled_purge_date - deleted.deleted_date == datetime.timedelta(days=90)
    await refused_by(SECRETS.get_secret("lost"), ResourceNotFoundError, 404, "SecretNotFound")
    await refused_by(SECRETS.set_secret("lost", "x"), ResourceExistsError, 409, "deleted but recoverable state")
    assert (await SECRETS.get_deleted_secret("lost")).id == made.id
    assert "lost" in [item.name for item in await listed(SECRETS.list_deleted_secrets())]
    recovered = await recover(SECRETS, "lost", "secret")
    assert recovered.version == made.properties.version
    assert (await SECRETS.get_secret("lost")).value == "found"


async def backup_and_restore():
    versions = [await SECRETS.set_secret("kept", value, tags={"n": value}) for value in ("one", "two")]
    backup = await SECRETS.backup_secret("kept")
    assert backup.startswith(b")AzureKeyVaultSecretBackupV1.microsoft.com") and b"two" not in backup
    await refused_by(SECRETS.restore_secret_backup(backup), ResourceExistsError, 409, "There was a conflict restoring the secret")
    await delete(SECRETS, "kept", "secret")
    await refused_by(SECRETS.restore_secret_backup(backup), ResourceExistsError, 409, "There was a conflict restoring the secret")
    await SECRETS.purge_deleted_secret("kept")
    await refused_by(SECRETS.get_deleted_secret("kept"), ResourceNotFoundError, 404, "Deleted Secret not found: kept")
    restored = await SECRETS.restore_secret_backup(backup)
    assert restored.id == versions[1].id and restored.created_on == versions[1].properties.created_on
    assert (await SECRETS.get_secret("kept", versions[0].properties.version)).value == "one"
    # The other vault is in the same subscription and geography.
    other = secret_client(OTHER, credential())
    assert (await other.restore_secret_backup(backup)).version == versions[1].properties.version
    assert (await other.get_secret("kept")).value == "two"
    for garbage in (b"", b"garbage", backup[:-7]):
        await refused_by(SECRETS.restore_secret_backup(garbage), HttpResponseError, 400)


async def refusals():
    nobody = secret_client(VAULT, principal("USER"))
    await refused_by(nobody.get_secret("Password"), HttpResponseError, 403, "ForbiddenByRbac")
    await refused_by(nobody.get_secret("nothing"), HttpResponseError, 403, "Microsoft.KeyVault/vaults/secrets/getSecret/action")
    wrong = secret_client(VAULT, principal("USER", "wrong"))
    await refused_by(wrong.get_secret("Password"), ClientAuthenticationError, None)


async def refused_by(call, kind, status, text=""):
    """Asserts class, status and text of the refusal of a call."""
    refusal = await refused(kind, call, text)
    assert status is None or refusal.status_code == status, refusal


async def scenario():
    """Creates the client: asynchronous ones must be created in the event loop that uses them."""
    global SECRETS
    SECRETS = secret_client(VAULT, credential())


play(
    scenario,
    values_and_properties,
    versions_and_lists,
    updates,
    deletion_and_recovery,
    backup_and_restore,
    refusals,
)
