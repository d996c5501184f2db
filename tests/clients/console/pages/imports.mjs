// A key and a certificate that exist elsewhere are imported, and what is wrong with one is said before it is sent.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";

import { complete, open, row, signIn } from "../steps.mjs";

export default async function ({ origin, newPage }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/hsms/local");
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await page.getByRole("button", { name: "Import key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("imported");
  await dialog.getByLabel("Private or secret key").fill(JSON.stringify(publicKey.export({ format: "jwk" })));
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await dialog.getByText("the key has no private or secret part: d or k is missing").waitFor();
  await dialog.getByLabel("Private or secret key").fill(JSON.stringify(privateKey.export({ format: "jwk" })));
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await page.getByText("Key imported is imported").waitFor();
  await open(page, "#/hsms/local/keys/imported", "Key imported");
  await page.getByText("Public key (JSON Web Key)").click();
  await page.getByText(publicKey.export({ format: "jwk" }).x).waitFor();

  // The companion secret of an exportable certificate is PKCS#12, in base64.
  await open(page, "#/vaults/demo/certificates", "Vault demo");
  await complete(page, page.getByRole("button", { name: "Create certificate" }), "Create", async (form) => {
    await form.getByLabel("Name", { exact: true }).fill("web");
    await form.getByLabel("Subject").fill("CN=www.example.com");
  });
  const created = row(page, "web");
  await created.waitFor();
  const thumbprint = await created.locator("code").innerText();
  assert.match(thumbprint, /^[0-9a-f]{40}$/);
  await open(page, "#/vaults/demo/secrets/web", "Secret web");
  await page.getByRole("button", { name: "Show the value" }).click();
  const buffer = Buffer.from(await page.locator(".secret-value").innerText(), "base64");
  await open(page, "#/vaults/demo/certificates", "Vault demo");
  await complete(page, page.getByRole("button", { name: "Import certificate" }), "Import", async (form) => {
    await form.getByLabel("Name").fill("copy");
    await form.getByLabel("File").setInputFiles({ name: "web.pfx", mimeType: "application/x-pkcs12", buffer });
  });
  await row(page, "copy").getByText(thumbprint).waitFor();
}
