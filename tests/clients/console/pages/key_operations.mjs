// A key signs and verifies, encrypts and decrypts a text, is rotated by a policy, and has a version disabled.
import assert from "node:assert/strict";

import { complete, createKey, open, settled, signIn } from "../steps.mjs";

export default async function ({ origin, newPage }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/hsms/local");
  await createKey(page, "signer");
  await open(page, "#/hsms/local/keys/signer", "Key signer");
  await page.getByRole("button", { name: "Sign", exact: true }).click();
  const signature = page.getByLabel("Signature (base64url)");
  await page.waitForFunction((field) => field.value !== "", await signature.elementHandle());
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  await page.getByText("The signature is valid").waitFor();
  await page.getByLabel("Text").fill("another text");
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  await page.getByText("The signature is not valid").waitFor();

  await page.getByRole("button", { name: "Rotate", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Rotate", exact: true }).click();
  await dialog.getByText("ROTATION_POLICY_MISSING").waitFor();
  await page.keyboard.press("Escape");
  await complete(page, page.getByRole("button", { name: "Change rotation policy" }), "Save", async (form) => {
    await form.getByLabel("Rotate automatically").selectOption({ label: "A time after creation" });
    await form.getByLabel("Time", { exact: true }).fill("P90D");
  });
  await page.getByText("P90D after its creation").waitFor();
  await complete(page, page.getByRole("button", { name: "Rotate", exact: true }), "Rotate");
  await page.waitForFunction(() => document.querySelectorAll("button[aria-label^='Disable version']").length === 2);

  await page.getByRole("button", { name: /^Disable version/ }).first().click();
  await page.getByRole("button", { name: /^Enable version/ }).waitFor();
  await settled(page);
  await page.getByRole("button", { name: "Sign", exact: true }).click();
  await page.getByText("KEY_DISABLED").waitFor();

  await open(page, "#/hsms/local", "Managed HSM local");
  await complete(page, page.getByRole("button", { name: "Create key" }), "Create", async (form) => {
    await form.getByLabel("Name").fill("sealer");
    await form.getByLabel("Type").selectOption({ label: "AES 256 (HSM)" });
  });
  await open(page, "#/hsms/local/keys/sealer", "Key sealer");
  await page.getByLabel("Plaintext").fill("attack at dawn");
  await page.getByRole("button", { name: "Encrypt", exact: true }).click();
  const tag = page.getByLabel("Authentication tag");
  await page.waitForFunction((field) => field.value !== "", await tag.elementHandle());
  await page.getByLabel("Plaintext").fill("");
  await page.getByRole("button", { name: "Decrypt", exact: true }).click();
  await page.getByText("attack at dawn").waitFor();
  await tag.fill("AAAAAAAAAAAAAAAAAAAAAA");
  await page.getByRole("button", { name: "Decrypt", exact: true }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").innerText(), /DECRYPTION_FAILED/);
}
