// A program written for Azure, without any setting for Strongroom, not even the authority.

import assert from "node:assert/strict";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { DefaultAzureCredential } from "@azure/identity";
import { KeyClient } from "@azure/keyvault-keys";

const credential = new DefaultAzureCredential();
const management = new KeyVaultManagementClient(credential, process.env.AZURE_SUBSCRIPTION_ID);
const hsms = [];
for await (const hsm of management.managedHsms.listBySubscription()) hsms.push(hsm.properties.hsmUri);
assert.deepEqual(hsms, ["https://local.managedhsm.azure.net/"]);
const keys = new KeyClient(hsms[0], credential);
const key = await keys.createEcKey("from-node", { hsm: true });
assert.ok(key.id.startsWith(`${hsms[0]}keys/from-node/`), key.id);
const client = keys.getCryptographyClient("from-node");
const digest = Buffer.alloc(32, 7);
const signed = await client.sign("ES256", digest);
assert.ok((await client.verify("ES256", digest, signed.result)).result);
