// The console works with the keyboard, and on narrow screens without scrolling the page sideways.
import assert from "node:assert/strict";

import { open, settled, signIn } from "../steps.mjs";
import { PAGES } from "../walk.mjs";

export default async function ({ origin, newPage, screenshot }) {
  const page = await newPage({ viewport: { width: 360, height: 740 } });
  await page.goto(`${origin}/console/#/hsms/local`);
  const dev = page.getByRole("button", { name: /^dev\b/ });
  await dev.focus();
  await page.keyboard.press("Enter");
  // A new page begins at its heading.
  await page.locator("h1:focus").filter({ hasText: "Managed HSM local" }).waitFor();
  await settled(page);

  const create = page.getByRole("button", { name: "Create key" });
  await create.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  // The focus returns from the dialog.
  await page.locator("button:focus").filter({ hasText: "Create key" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel("Name").fill("typed");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "typed" }).waitFor();

  await page.evaluate(() => document.body.focus());
  await page.reload();
  await signIn(page, origin, "dev");
  for (const [name, hash, heading] of PAGES) {
    await open(page, hash, heading);
    await page.waitForTimeout(300);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0, `${hash} scrolls sideways by ${overflow} pixels`);
    await screenshot(page, `narrow-${name}`);
  }
}
