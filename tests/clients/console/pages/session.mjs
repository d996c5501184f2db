// A token that the service no longer accepts is renewed without a question. If that is impossible, the page that signs in says why.
import assert from "node:assert/strict";

import { open, rejectOnce, settled, signIn } from "../steps.mjs";

export default async function ({ origin, newPage }) {
  const page = await newPage({ expectedErrors: [/status of 403/] });
  let issued = 0;
  page.on("request", (request) => {
    issued += request.url() === `${origin}/console/token` ? 1 : 0;
  });
  await signIn(page, origin, "dev", "#/hsms/local");
  await settled(page);
  assert.equal(issued, 1);
  await rejectOnce(page);
  await open(page, "#/deleted", "Deleted items");
  assert.equal(issued, 2, "the token is renewed");
  assert.equal(await page.getByRole("alert").count(), 0);

  await page.route("**/console/token", (route) => route.fulfill({ status: 403, json: { error: { code: "Forbidden", message: "no" } } }));
  await rejectOnce(page);
  await page.evaluate(() => {
    location.hash = "#/hsms/local";
  });
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.getByRole("alert").filter({ hasText: "has expired" }).waitFor();
  await page.unroute("**/console/token");
  await page.getByRole("button", { name: /^owner/ }).click();
  await page.getByRole("heading", { name: "Managed HSM local" }).waitFor();
}
