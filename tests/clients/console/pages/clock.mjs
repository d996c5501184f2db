// The page of the clock tells what will be purged before it is advanced, and what was purged afterwards.
import assert from "node:assert/strict";

import { complete, createKey, deleteKey, open, row, signIn } from "../steps.mjs";

export default async function ({ origin, newPage, screenshot }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/hsms/local");
  await createKey(page, "old");
  await deleteKey(page, "local", "old");
  await open(page, "#/clock", "Clock");
  await page.getByText("Nothing that is known comes due until then.").waitFor();
  await page.getByLabel("Days").fill("91");
  await row(page, "hsms/local/deletedKeys/old").waitFor();
  await screenshot(page, "clock-before");

  await complete(page, page.getByRole("button", { name: "Advance…" }), "Advance", async (dialog) => {
    assert.match(await dialog.innerText(), /1 deleted items? (is|are) purged/);
  });
  await page.getByRole("heading", { name: "What has happened" }).waitFor();
  await row(page, "hsms/local/deletedKeys/old").filter({ hasText: "purged key" }).waitFor();
  await open(page, "#/deleted", "Deleted items");
  await page.getByText("Nothing is deleted that this principal may list.").waitFor();

  await open(page, "#/clock", "Clock");
  await page.getByRole("button", { name: "Freeze" }).click();
  await page.getByRole("main").getByText("frozen", { exact: true }).waitFor();
  const time = page.getByRole("main").locator(".clock-now time");
  const before = await time.innerText();
  await page.waitForTimeout(2200);
  assert.equal(await time.innerText(), before, "a frozen clock stands still");
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("main").getByText("running", { exact: true }).waitFor();
  await page.waitForTimeout(2200);
  assert.notEqual(await time.innerText(), before, "a clock that is resumed runs");

  // The seed reserves the clock for some principals.
  await page.getByRole("button", { name: "Switch" }).click();
  await signIn(page, origin, "nobody", "#/clock");
  await page.getByRole("button", { name: "Freeze" }).click();
  await page.getByRole("alert").waitFor();
}
