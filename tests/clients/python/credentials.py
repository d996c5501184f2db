"""Tests the non-interactive credentials of azure-identity: `credentials.py SCENARIO`.

They are configured by the environment variables that `strongroom env` prints.
"""

import asyncio
import base64
import json
import os
import sys

import azure.identity.aio
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
)
from azure.keyvault.keys import KeyClient

URL = os.environ["AZURE_KEYVAULT_URL"]
RESOURCE = "https://" + URL.removeprefix("https://").split(".", 1)[1]
SCOPE = f"{RESOURCE}/.default"


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def works(credential, proof="1"):
    """Asserts that the credential can list keys, and that `appidacr` of its token is `proof`. Returns the claims."""
    list(KeyClient(URL, credential).list_properties_of_keys())
    token_claims = claims(credential.get_token(SCOPE).token)
    assert (token_claims["ver"], token_claims["appidacr"], token_claims["aud"]) == ("1.0", proof, RESOURCE), token_claims
    return token_claims


def refused(error, call, *texts):
    try:
        call()
    except error as refusal:
        for text in texts:
            assert text in str(refusal), refusal
        return
    raise AssertionError(f"expected {error.__name__}")


def application(**changes):
    """The client's identifiers. Instance discovery is disabled, so that MSAL sends no request to the public authority."""
    known = {"tenant_id": os.environ["AZURE_TENANT_ID"], "client_id": os.environ["AZURE_CLIENT_ID"]}
    return known | {"disable_instance_discovery": True} | changes


def secret():
    works(EnvironmentCredential(disable_instance_discovery=True))
    works(DefaultAzureCredential(disable_instance_discovery=True))
    works(ClientSecretCredential(client_secret=os.environ["AZURE_CLIENT_SECRET"], **application()))
    wrong = ClientSecretCredential(client_secret="wrong", **application())
    refused(ClientAuthenticationError, lambda: wrong.get_token(SCOPE), "AADSTS7000215: Invalid client secret")
    unknown = application(client_id="00000000-0000-0000-0000-000000000001")
    unknown = ClientSecretCredential(client_secret="wrong", **unknown)
    refused(ClientAuthenticationError, lambda: unknown.get_token(SCOPE), "AADSTS700016")
    elsewhere = EnvironmentCredential(disable_instance_discovery=True)
    scope = "https://database.windows.net/.default"
    refused(ClientAuthenticationError, lambda: elsewhere.get_token(scope), "AADSTS500011")


def certificate():
    path = os.environ["AZURE_CLIENT_CERTIFICATE_PATH"]
    works(EnvironmentCredential(disable_instance_discovery=True), "2")
    works(DefaultAzureCredential(disable_instance_discovery=True), "2")
    with open(path, "rb") as file:
        pem = file.read()
    credential = CertificateCredential(certificate_data=pem, send_certificate_chain=True, **application())
    works(credential, "2")
    # Another token, with the assertion that MSAL has cached.
    assert claims(credential.get_token("https://graph.microsoft.com/.default").token)["appidacr"] == "2"
    other = CertificateCredential(certificate_path=os.environ["OTHER_CERTIFICATE_PATH"], **application())
    refused(ClientAuthenticationError, lambda: other.get_token(SCOPE), "AADSTS700027", "The key was not found.")
    asyncio.run(asynchronous(path))


async def asynchronous(path):
    """The asynchronous SDK signs assertions without MSAL, with PS256."""
    known = application()
    known.pop("disable_instance_discovery")
    async with azure.identity.aio.CertificateCredential(certificate_path=path, **known) as credential:
        assert claims((await credential.get_token(SCOPE)).token)["appidacr"] == "2"


def managed_identity():
    identity = works(ManagedIdentityCredential(), "2")
    works(DefaultAzureCredential(), "2")
    for form in ("App Service", "IMDS"):
        for chosen in (
            ManagedIdentityCredential(client_id=identity["appid"]),
            ManagedIdentityCredential(identity_config={"object_id": identity["oid"]}),
            ManagedIdentityCredential(identity_config={"resource_id": identity["xms_mirid"]}),
        ):
            assert works(chosen, "2")["oid"] == identity["oid"], form
        unknown = ManagedIdentityCredential(client_id="00000000-0000-0000-0000-000000000001")
        text = "No User Assigned" if form == "App Service" else "Identity not found"
        refused(CredentialUnavailableError, lambda: unknown.get_token(SCOPE), text)
        if form == "App Service":
            os.environ["IDENTITY_HEADER"] = "wrong"
            wrong = ManagedIdentityCredential()
            refused(CredentialUnavailableError, lambda: wrong.get_token(SCOPE), "401, The X-IDENTITY-HEADER")
            # Without these variables, the SDK uses the endpoint of virtual machines (IMDS).
            del os.environ["IDENTITY_ENDPOINT"], os.environ["IDENTITY_HEADER"]


def adfs():
    """The tenant name `adfs` disables MSAL's instance discovery, without a setting in the program."""
    works(EnvironmentCredential(), sys.argv[2])
    works(DefaultAzureCredential(), sys.argv[2])


{"secret": secret, "certificate": certificate, "managed-identity": managed_identity, "adfs": adfs}[sys.argv[1]]()
