"""Microsoft's synchronous and asynchronous clients behind one interface: run scenarios with `SCRIPT.py sync` or `async`.

A scenario awaits every call; this module wraps synchronous clients. Clients are configured by environment variables as in
any application; challenge resource verification is enabled, and TLS is verified.
"""

import asyncio
import inspect
import os
import sys

FLAVOUR = sys.argv[1]
if FLAVOUR == "async":
    from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential, EnvironmentCredential
    from azure.keyvault.administration.aio import (
        KeyVaultAccessControlClient,
        KeyVaultBackupClient,
        KeyVaultSettingsClient,
    )
    from azure.keyvault.certificates.aio import CertificateClient
    from azure.keyvault.keys.aio import KeyClient
    from azure.keyvault.keys.crypto.aio import CryptographyClient
    from azure.keyvault.secrets.aio import SecretClient
    from azure.keyvault.securitydomain.aio import SecurityDomainClient
    from azure.mgmt.keyvault.aio import KeyVaultManagementClient
else:
    from azure.identity import ClientSecretCredential, DefaultAzureCredential, EnvironmentCredential
    from azure.keyvault.administration import (
        KeyVaultAccessControlClient,
        KeyVaultBackupClient,
        KeyVaultSettingsClient,
    )
    from azure.keyvault.certificates import CertificateClient
    from azure.keyvault.keys import KeyClient
    from azure.keyvault.keys.crypto import CryptographyClient
    from azure.keyvault.secrets import SecretClient
    from azure.keyvault.securitydomain import SecurityDomainClient
    from azure.mgmt.keyvault import KeyVaultManagementClient

URL = os.environ["AZURE_KEYVAULT_URL"]

# Clients and credentials to close at the end.
_open = []


class Awaited:
    """Wraps a synchronous client so that its calls can be awaited."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        member = getattr(self.client, name)
        if not callable(member):
            return member

        async def call(*args, **kwargs):
            return member(*args, **kwargs)

        return call


def opened(client):
    """Returns an awaitable client, and closes it at the end."""
    client = client if FLAVOUR == "async" else Awaited(client)
    _open.append(client)
    return client


def credential(kind=EnvironmentCredential):
    """The credential of the principal in the environment variables."""
    made = kind(disable_instance_discovery=True)
    _open.append(made if FLAVOUR == "async" else Awaited(made))
    return made


def principal(name, secret=None):
    """The credential of another principal, whose environment variables begin with `name`."""
    made = ClientSecretCredential(
        os.environ["AZURE_TENANT_ID"],
        os.environ[f"{name}_CLIENT_ID"],
        secret or os.environ[f"{name}_CLIENT_SECRET"],
        authority=os.environ["AZURE_AUTHORITY_HOST"],
        disable_instance_discovery=True,
    )
    _open.append(made if FLAVOUR == "async" else Awaited(made))
    return made


def key_client(who, url=URL, **more):
    return opened(KeyClient(url, who, **more))


def certificate_client(url, who):
    return opened(CertificateClient(url, who))


async def created(certificates, name, policy):
    """Creates a certificate. The method has different names in the two clients."""
    if FLAVOUR == "async":
        return await certificates.create_certificate(name, policy)
    return (await certificates.begin_create_certificate(name, policy)).result()


def secret_client(url, who):
    return opened(SecretClient(url, who))


def security_domain_client(who, url):
    return opened(SecurityDomainClient(url, who))


def cryptography_client(key, who):
    return opened(CryptographyClient(key, who))


def local_client(jwk):
    """A client that computes locally and sends no requests."""
    client = CryptographyClient.from_jwk(jwk)
    return client if FLAVOUR == "async" else Awaited(client)


def access_control_client(who, url=URL, **more):
    return opened(KeyVaultAccessControlClient(url, who, **more))


def settings_client(who, **more):
    return opened(KeyVaultSettingsClient(URL, who, **more))


def backup_client(who, **more):
    return opened(KeyVaultBackupClient(URL, who, **more))


def managed_hsms(who, **more):
    """Managed HSMs as resources of the subscription."""
    return _resources(who, "managed_hsms", **more)


def vaults(who, **more):
    """Vaults as resources of the subscription."""
    return _resources(who, "vaults", **more)


def secrets_of_vaults(who, **more):
    """Secrets of vaults as resources of the subscription."""
    return _resources(who, "secrets", **more)


def keys_of_vaults(who, **more):
    """Keys of vaults as resources of the subscription."""
    return _resources(who, "keys", **more)


def _resources(who, operations, **more):
    endpoint = os.environ["ARM_ENDPOINT"]
    client = KeyVaultManagementClient(who, os.environ["AZURE_SUBSCRIPTION_ID"], base_url=endpoint, **more)
    opened(client)
    operations = getattr(client, operations)
    return operations if FLAVOUR == "async" else Awaited(operations)


async def finished(begun):
    """Returns the result of a long-running operation."""
    result = (await begun).result()
    return await result if inspect.isawaitable(result) else result


async def listed(items):
    """Returns all items of a list, page by page."""
    if inspect.isawaitable(items):
        return list(await items)
    return [item async for item in items]


async def delete(client, name, noun="key"):
    """Deletes a key or secret and waits until it is deleted. The method has different names in the two clients."""
    if FLAVOUR == "async":
        return await getattr(client, f"delete_{noun}")(name)
    poller = await getattr(client, f"begin_delete_{noun}")(name)
    poller.wait()
    return poller.result()


async def recover(client, name, noun="key"):
    """Recovers a key or secret and waits until it is recovered. The method has different names in the two clients."""
    if FLAVOUR == "async":
        return await getattr(client, f"recover_deleted_{noun}")(name)
    poller = await getattr(client, f"begin_recover_deleted_{noun}")(name)
    poller.wait()
    return poller.result()


async def refused(error, call, text=""):
    """Asserts that a call fails with this error, and returns the error."""
    try:
        await call
    except error as refusal:
        assert text in str(refusal), refusal
        return refusal
    raise AssertionError(f"expected {error.__name__}")


def play(*steps):
    """Runs the steps of a scenario in order."""

    async def scenario():
        try:
            for step in steps:
                await step()
                print(FLAVOUR, step.__name__, flush=True)
        finally:
            for client in _open:
                await client.close()

    asyncio.run(scenario())
