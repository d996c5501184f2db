// The page of tokens shows their workers and calls, and says what a principal lacks that may not read them.
import assert from "node:assert/strict";

import { createKey, open, signIn } from "../steps.mjs";

export default async function ({ origin, newPage, checkAccessibility }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/hsms/local");
  await createKey(page, "invoices");
  await open(page, "#/tokens", "Tokens");
  const token = page.getByRole("row").filter({ hasText: "hsms/local" });
  await token.waitFor();
  assert.match(await token.innerText(), /SoftHSM[\s\S]*hsms\/local[\s\S]*\d+ running[\s\S]*\d+ of \d+[\s\S]*\d+(\.\d+)? (µs|ms|s)/);
  await checkAccessibility(page);
  await page.getByRole("button", { name: "Refresh" }).click();
  await token.waitFor();

  await page.getByRole("button", { name: "Switch" }).click();
  await signIn(page, origin, "crypto-officer", "#/tokens");
  await open(page, "#/tokens", "Tokens");
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.innerText(), /Microsoft\.Insights\/metrics\/read[\s\S]*Reader/);
}
