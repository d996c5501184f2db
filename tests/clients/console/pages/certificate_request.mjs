// A certificate whose issuer is elsewhere has a request to download, and refuses a certificate that does not belong to it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { complete, open, row, signIn } from "../steps.mjs";

export default async function ({ origin, newPage, connection, checkAccessibility }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/vaults/demo/certificates");
  await complete(page, page.getByRole("button", { name: "Create certificate" }), "Create", async (dialog) => {
    await dialog.getByLabel("Name", { exact: true }).fill("external");
    await dialog.getByLabel("Subject").fill("CN=www.example.com");
    await dialog.getByLabel("Issuer").selectOption({ label: "Signed elsewhere and merged" });
  });
  await row(page, "external").getByText("in progress").waitFor();
  await open(page, "#/vaults/demo/certificates/external", "Certificate external");
  await checkAccessibility(page);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download request" }).click()]);
  assert.match(readFileSync(await file.path(), "utf8"), /^-----BEGIN CERTIFICATE REQUEST-----\n/);

  await page.getByRole("button", { name: "Merge certificate" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Certificates").fill("a text");
  await dialog.getByRole("button", { name: "Merge", exact: true }).click();
  await dialog.getByText("there is no certificate in PEM").waitFor();
  await dialog.getByLabel("Certificates").fill(readFileSync(connection.ca_file, "utf8"));
  await dialog.getByRole("button", { name: "Merge", exact: true }).click();
  await dialog.getByText(/the public key of the certificate does not match/).waitFor();
  await dialog.getByText("BAD_PARAMETER").waitFor();
}
