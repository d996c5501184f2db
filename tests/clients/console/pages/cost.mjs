// Costs accrue with the clock, soft-deleted time is distinguished, a budget is created, and the usage is downloaded.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { complete, open, row, signIn } from "../steps.mjs";

export default async function ({ origin, newPage, screenshot, checkAccessibility }) {
  const page = await newPage({ viewport: { width: 1280, height: 1000 } });
  await signIn(page, origin, "dev", "#/clock");
  await advanceToMonth(page);
  await open(page, "#/containers", "HSMs and vaults");
  await complete(page, page.getByRole("button", { name: "Create", exact: true }).first(), "Create", async (dialog) => {
    await dialog.getByLabel("Kind").selectOption({ label: "Managed HSM" });
    await dialog.getByLabel("Name").fill("ledger");
    await dialog.getByLabel("Retention in days").fill("7");
  });
  await advance(page, 3);
  await open(page, "#/containers", "HSMs and vaults");
  await complete(page, page.getByRole("button", { name: "Delete Managed HSM ledger" }), "Delete");
  await advance(page, 4);

  await open(page, "#/cost", "Cost");
  const ledger = row(page, "Managed HSM ledger");
  await ledger.waitFor();
  assert.match(await ledger.innerText(), /soft-deleted\s+230\.4\d\s+307\.\d\d\s+537\.\d\d\s+76\.80/);
  assert.ok((await page.getByRole("img", { name: /Plot of accrued cost/ }).locator("canvas").count()) === 1);
  await complete(page, page.getByRole("button", { name: "Create budget" }), "Create", async (dialog) => {
    await dialog.getByLabel("Name").fill("monthly");
    await dialog.getByLabel(/Amount per month/).fill("2000");
  });
  await row(page, "monthly").waitFor();
  await page.waitForTimeout(500);
  await screenshot(page, "cost");
  await page.getByText("By day", { exact: true }).click();
  await page.getByText("76.80 (soft-deleted)").first().waitFor();
  await checkAccessibility(page);

  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download CSV" }).click()]);
  const lines = readFileSync(await file.path(), "utf8").trim().split("\n");
  assert.match(lines[0], /BilledCost.*ChargePeriodStart/);
  assert.ok(lines.some((line) => line.includes("ledger")));
}

// To the second day of the next month, so that all days of the scenario are in one.
async function advanceToMonth(page) {
  const now = new Date();
  const target = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 2)).toISOString().slice(0, 16);
  await open(page, "#/clock", "Clock");
  await page.getByLabel("How far").selectOption({ label: "To an instant" });
  await page.getByLabel("Instant (UTC)").fill(target);
  await complete(page, page.getByRole("button", { name: "Advance…" }), "Advance");
}

async function advance(page, days) {
  await open(page, "#/clock", "Clock");
  await page.getByLabel("Days").fill(String(days));
  await complete(page, page.getByRole("button", { name: "Advance…" }), "Advance");
}
