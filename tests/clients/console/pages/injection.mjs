// Markup in what users choose is shown as text: names in addresses, tags, content types, values and certificate subjects.
import assert from "node:assert/strict";

import { complete, createKey, open, row, signIn } from "../steps.mjs";

const MARKUP = `<img src=x onerror="globalThis.injected=1"><script>globalThis.injected=1</script>`;

export default async function ({ origin, newPage }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/hsms/local");
  await createKey(page, "invoices", `${MARKUP}=${MARKUP}\n__proto__=polluted`);
  await assertText(page, MARKUP);
  await open(page, "#/hsms/local/keys/invoices", "Key invoices");
  await assertText(page, MARKUP);

  await open(page, "#/vaults/demo/secrets", "Vault demo");
  await complete(page, page.getByRole("button", { name: "Set secret" }), "Set", async (dialog) => {
    await dialog.getByLabel("Name").fill("note");
    await dialog.getByLabel("Value").fill(MARKUP);
    await dialog.getByLabel("Content type").fill(MARKUP);
  });
  await assertText(page, MARKUP);
  await open(page, "#/vaults/demo/secrets/note", "Secret note");
  await page.getByRole("button", { name: "Show the value" }).click();
  await page.locator(".secret-value").waitFor();
  await assertText(page, MARKUP);

  await open(page, "#/vaults/demo/certificates", "Vault demo");
  const subject = "CN=<img src=x onerror=globalThis.injected\\=1>";
  await complete(page, page.getByRole("button", { name: "Create certificate" }), "Create", async (dialog) => {
    await dialog.getByLabel("Name", { exact: true }).fill("web");
    await dialog.getByLabel("Subject").fill(subject);
  });
  await row(page, "web").waitFor();
  await open(page, "#/vaults/demo/certificates/web", "Certificate web");
  await assertText(page, "<img src=x onerror");

  // Names that the service does not know come from the address.
  for (const hash of [`#/hsms/${encodeURIComponent(MARKUP)}`, `#/hsms/local/keys/${encodeURIComponent(MARKUP)}`, `#/${encodeURIComponent(MARKUP)}`, "#/%E0%A4%A"]) {
    await page.evaluate((next) => {
      location.hash = next;
    }, hash);
    await page.waitForTimeout(500);
    await assertNotInjected(page);
  }
  await open(page, `#/deleted?q=${encodeURIComponent(MARKUP)}&type=${encodeURIComponent(MARKUP)}`, "Deleted items");
  await assertNotInjected(page);
}

async function assertText(page, text) {
  await page.getByText(text, { exact: false }).first().waitFor();
  await assertNotInjected(page);
}

async function assertNotInjected(page) {
  const found = await page.evaluate(() => ({
    injected: globalThis.injected,
    polluted: {}.polluted,
    elements: document.querySelectorAll("main script, main img[onerror]").length,
  }));
  assert.deepEqual(found, { injected: undefined, polluted: undefined, elements: 0 });
}
