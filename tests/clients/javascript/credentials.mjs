// The credentials of @azure/identity that need nobody to type, told what `strongroom env` prints: `credentials.mjs PROOF`,
// which is 1 for a secret and 2 for a certificate or a managed identity.

import assert from "node:assert/strict";
import { DefaultAzureCredential } from "@azure/identity";
import { KeyClient } from "@azure/keyvault-keys";

const url = process.env.AZURE_KEYVAULT_URL;
// Whoever is told of an AD FS asks nobody about it, and needs nothing of this in the program.
const options = process.env.AZURE_TENANT_ID === "adfs" ? {} : { disableInstanceDiscovery: true };
const credential = new DefaultAzureCredential(options);
for await (const key of new KeyClient(url, credential).listPropertiesOfKeys()) assert.fail(`there is ${key.name}`);

const resource = url.replace(/\/\/[^.]*\./, "//");
const { token } = await credential.getToken(`${resource}/.default`);
const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
assert.deepEqual([claims.ver, claims.appidacr, claims.aud], ["1.0", process.argv[2], resource]);
