"""Tests KeyVaultBackupClient of azure-keyvault-administration, synchronous and asynchronous, with a container of Azurite."""

import os

from azure.core.exceptions import HttpResponseError
from azure.keyvault.keys.crypto import SignatureAlgorithm
from flavours import (
    FLAVOUR,
    backup_client,
    credential,
    cryptography_client,
    delete,
    finished,
    key_client,
    listed,
    play,
    refused,
)

CONTAINER, SAS = os.environ["BLOB_CONTAINER_URL"], os.environ["BLOB_SAS_TOKEN"]
NAME, DIGEST = f"backed-up-{FLAVOUR}", bytes(32)

who = credential()
keys, backups = key_client(who), backup_client(who)
state = {}


async def back_up():
    state["key"] = await keys.create_ec_key(NAME, hardware_protected=True)
    signed = await cryptography_client(state["key"], who).sign(SignatureAlgorithm.es256, DIGEST)
    state["signature"] = signed.signature
    await finished(backups.begin_pre_backup(CONTAINER, sas_token=SAS))
    result = await finished(backups.begin_backup(CONTAINER, sas_token=SAS))
    assert result.folder_url.startswith(f"{CONTAINER}/mhsm-local-"), result.folder_url
    state["folder"] = result.folder_url


async def is_restored():
    assert (await keys.get_key(NAME)).id == state["key"].id
    verified = await cryptography_client(state["key"], who).verify(SignatureAlgorithm.es256, DIGEST, state["signature"])
    assert verified.is_valid


async def restore_one_key():
    await delete(keys, NAME)
    await keys.purge_deleted_key(NAME)
    await finished(backups.begin_restore(state["folder"], sas_token=SAS, key_name=NAME))
    await is_restored()


async def restore_all():
    await keys.create_ec_key(f"later-{FLAVOUR}", hardware_protected=True)
    await delete(keys, NAME)
    await finished(backups.begin_pre_restore(state["folder"], sas_token=SAS))
    await finished(backups.begin_restore(state["folder"], sas_token=SAS))
    await is_restored()
    names = [key.name for key in await listed(keys.list_properties_of_keys())]
    assert NAME in names and f"later-{FLAVOUR}" not in names, names


async def resume_polling():
    begun = await backups.begin_backup(CONTAINER, sas_token=SAS)
    token = begun.continuation_token()
    resumed = await finished(backups.begin_backup(CONTAINER, sas_token=SAS, continuation_token=token))
    assert resumed.folder_url != state["folder"]


async def failures_are_reported():
    wrong = SAS.replace("sig=", "sig=A")
    await refused(HttpResponseError, finished(backups.begin_backup(CONTAINER, sas_token=wrong)))
    await refused(HttpResponseError, finished(backups.begin_restore(f"{CONTAINER}/none", sas_token=SAS)))
    elsewhere = "https://example.com/container"
    await refused(HttpResponseError, finished(backups.begin_backup(elsewhere, sas_token=SAS)), "backup.hosts")
    await is_restored()


play(back_up, restore_one_key, restore_all, resume_polling, failures_are_reported)
