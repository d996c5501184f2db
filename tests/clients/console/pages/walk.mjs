// Every page opens for a principal with all roles, for one with a role, and for one without any, in light and in dark, without a serious
// fault of accessibility.
import assert from "node:assert/strict";

import { complete, createKey, deleteKey, open, row, signIn } from "../steps.mjs";

const PAGES = [
  ["containers", "#/containers", "HSMs and vaults"],
  ["keys", "#/hsms/local", "Managed HSM local"],
  ["backups", "#/hsms/local/backups", "Managed HSM local"],
  ["security-domain", "#/hsms/local/security-domain", "Managed HSM local"],
  ["secrets", "#/vaults/demo/secrets", "Vault demo"],
  ["certificates", "#/vaults/demo/certificates", "Vault demo"],
  ["deleted", "#/deleted", "Deleted items"],
  ["access", "#/access", "Access"],
  ["cost", "#/cost", "Cost"],
  ["audit", "#/audit", "Audit"],
  ["tokens", "#/tokens", "Tokens"],
  ["clock", "#/clock", "Clock"],
  ["activity", "#/activity", "Activity"],
];

export default async function ({ origin, newPage, checkAccessibility, screenshot }) {
  await prepare(await newPage(), origin);
  for (const colorScheme of ["light", "dark"]) {
    const page = await newPage({ colorScheme, viewport: { width: 1280, height: 900 } });
    await page.goto(`${origin}/console/`);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await checkAccessibility(page);
    await screenshot(page, `sign-in-${colorScheme}`);
    for (const principal of ["dev", "crypto-officer", "nobody"]) {
      await signIn(page, origin, principal);
      for (const [name, hash, heading] of PAGES) {
        await open(page, hash, heading);
        // Streams and the cells of the matrix arrive later.
        await page.waitForTimeout(name === "access" || name === "activity" ? 2500 : 300);
        await checkAccessibility(page);
        if (principal === "dev") {
          assert.equal(await page.locator(".failure:visible").count(), 0, `${hash} shows an error`);
          await screenshot(page, `${name}-${colorScheme}`);
        }
      }
      if (principal === "dev") {
        await details(page, checkAccessibility, screenshot, colorScheme);
      }
    }
  }
}

async function prepare(page, origin) {
  await signIn(page, origin, "dev", "#/hsms/local");
  await createKey(page, "invoices", "team=billing");
  await createKey(page, "payroll");
  await deleteKey(page, "local", "payroll");
  await open(page, "#/vaults/demo/secrets", "Vault demo");
  await complete(page, page.getByRole("button", { name: "Set secret" }), "Set", async (dialog) => {
    await dialog.getByLabel("Name").fill("database");
    await dialog.getByLabel("Value").fill("correct horse");
    await dialog.getByLabel("Content type").fill("text/plain");
  });
  await open(page, "#/vaults/demo/certificates", "Vault demo");
  await complete(page, page.getByRole("button", { name: "Create certificate" }), "Create", async (dialog) => {
    await dialog.getByLabel("Name", { exact: true }).fill("web");
    await dialog.getByLabel("Subject").fill("CN=www.example.com, O=Example");
  });
  await row(page, "web").waitFor();
}

async function details(page, checkAccessibility, screenshot, colorScheme) {
  const items = [
    ["key", "#/hsms/local/keys/invoices", "Key invoices"],
    ["secret", "#/vaults/demo/secrets/database", "Secret database"],
    ["certificate", "#/vaults/demo/certificates/web", "Certificate web"],
  ];
  for (const [name, hash, heading] of items) {
    await open(page, hash, heading);
    await checkAccessibility(page);
    assert.equal(await page.locator(".failure").count(), 0, `${hash} shows an error`);
    await screenshot(page, `${name}-${colorScheme}`);
  }
  await open(page, "#/hsms/local", "Managed HSM local");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByRole("dialog").waitFor();
  await checkAccessibility(page);
  await screenshot(page, `dialog-${colorScheme}`);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}
