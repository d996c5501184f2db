import assert from "node:assert/strict";
import test from "node:test";

import { breadth, grants, matches } from "../src/access/pattern.ts";

const permission = (members) => ({ actions: [], notActions: [], dataActions: [], notDataActions: [], ...members });

test("a star is any sequence of characters, and nothing else is special", () => {
  assert.ok(matches("*/read", "Microsoft.KeyVault/vaults/read"));
  assert.ok(matches("Microsoft.KeyVault/managedHSMs/*", "microsoft.keyvault/managedhsms/write"));
  assert.ok(!matches("Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/read"));
  assert.ok(!matches("Microsoft.KeyVault/*", "MicrosoftXKeyVault/read"));
});

test("exclusions take away from actions of the same kind", () => {
  const writer = permission({ dataActions: ["keys/*"], notDataActions: ["keys/delete"], notActions: ["keys/create"] });
  assert.ok(grants(writer, "keys/create", "dataActions"));
  assert.ok(!grants(writer, "keys/delete", "dataActions"));
  assert.ok(!grants(writer, "keys/create", "actions"));
});

test("narrow roles come before broad ones", () => {
  const sizes = [["*"], ["keys/*"], ["keys/sign", "keys/verify"]].map((actions) => breadth([permission({ actions })], "actions"));
  assert.deepEqual([...sizes].sort((left, right) => right - left), sizes);
});
