// Every page opens for a principal with all roles, in light and in dark, without an error and without a serious fault of accessibility.
import assert from "node:assert/strict";

import { open, signIn } from "../steps.mjs";
import { prepare, walk } from "../walk.mjs";

const ITEMS = [
  ["key", "#/hsms/local/keys/invoices", "Key invoices"],
  ["secret", "#/vaults/demo/secrets/database", "Secret database"],
  ["certificate", "#/vaults/demo/certificates/web", "Certificate web"],
];

export default async function ({ origin, newPage, checkAccessibility, screenshot }) {
  await prepare(await newPage(), origin);
  for (const colorScheme of ["light", "dark"]) {
    const page = await newPage({ colorScheme, viewport: { width: 1280, height: 900 } });
    await page.goto(`${origin}/console/`);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    const isDark = await page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches);
    assert.equal(isDark, colorScheme === "dark");
    await checkAccessibility(page);
    await screenshot(page, `sign-in-${colorScheme}`);
    await signIn(page, origin, "dev");
    const visit = async (name, hash) => {
      await checkAccessibility(page);
      assert.equal(await page.locator(".failure:visible").count(), 0, `${hash} shows an error`);
      await screenshot(page, `${name}-${colorScheme}`);
    };
    await walk(page, visit);
    for (const [name, hash, heading] of ITEMS) {
      await open(page, hash, heading);
      await visit(name, hash);
    }
    await open(page, "#/hsms/local", "Managed HSM local");
    await page.getByRole("button", { name: "Create key" }).click();
    await page.getByRole("dialog").waitFor();
    await checkAccessibility(page);
    await screenshot(page, `dialog-${colorScheme}`);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
}
