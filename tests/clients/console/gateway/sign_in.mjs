// Users of a gateway sign in at an issuer that is not part of Strongroom, on its own pages, and act with their own rights. The access
// token is renewed without a question. A sign-in that the user cancels, or whose access token the service cannot read, says so.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";

import { complete, createKey, open, rejectOnce, settled } from "../steps.mjs";

export default async function ({ origin, newPage, connection, directory, checkAccessibility }) {
  await register(connection, `${origin}/console/`);
  const page = await newPageOf(newPage, connection);
  let issued = 0;
  page.on("request", (request) => {
    issued += request.url() === `${connection.issuer}/token` && request.method() === "POST" ? 1 : 0;
  });

  // The user cancels.
  await page.goto(`${origin}/console/#/access`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Cancel" }).click();
  await page.getByRole("alert").filter({ hasText: "End-User aborted interaction" }).waitFor();
  assert.equal(new URL(page.url()).search, "");

  await signInAs(page, "ada");
  await page.getByText("Acting as ada", { exact: true }).waitFor();
  await page.getByRole("heading", { level: 1, name: "Access" }).waitFor();
  const address = new URL(page.url());
  assert.deepEqual([address.origin, address.search, address.hash], [origin, "", "#/access"]);
  await checkAccessibility(page);

  // Her object id is in the access token: she is the administrator of the configuration, and may give herself a role.
  await open(page, "#/access?at=hsm%3Apayments", "Access");
  await complete(page, page.getByRole("button", { name: "Assign a role" }), "Assign", async (dialog) => {
    await dialog.getByLabel("Principal").fill(connection.accounts.ada);
    await dialog.getByLabel("Role").selectOption({ label: "Managed HSM Crypto User" });
  });
  await open(page, "#/hsms/payments", "Managed HSM payments");
  await createKey(page, "invoices");
  const created = entries(directory).find(({ operationName }) => operationName === "KeyCreate");
  assert.ok(JSON.stringify(created).includes(connection.accounts.ada), JSON.stringify(created));

  // The issuer accepts the refresh token, and returns the next one.
  for (const count of [2, 3]) {
    await rejectOnce(page);
    await open(page, "#/deleted", "Deleted items");
    await open(page, "#/hsms/payments", "Managed HSM payments");
    assert.equal(issued, count, "the token is renewed");
    assert.equal(await page.getByRole("alert").count(), 0);
  }

  // Tokens are in memory only. The session at the issuer remains, so that it asks nothing.
  await page.reload();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "invoices", exact: true }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();

  // Another user has no role.
  const other = await newPageOf(newPage, connection);
  await other.goto(`${origin}/console/#/hsms/payments`);
  await signInAs(other, "grace");
  await other.getByText("Acting as grace", { exact: true }).waitFor();
  await settled(other);
  const refused = other.getByRole("alert").filter({ hasText: "Not permitted" }).first();
  assert.ok((await refused.innerText()).includes(connection.accounts.grace));

  // Without the resource, the issuer returns an access token that only it can read.
  const wrong = await newPageOf(newPage, connection);
  const { issuer, client_id: clientId } = connection;
  await wrong.route("**/console/config.json", (route) =>
    route.fulfill({ json: { mode: "gateway", version: "1", issuer, clientId, scopes: ["openid"] } }),
  );
  await wrong.goto(`${origin}/console/`);
  await signInAs(wrong, "ada");
  await wrong.getByRole("alert").filter({ hasText: "no JSON Web Token" }).waitFor();
}

// A page that may go to the issuer, whose own pages load a font from elsewhere.
async function newPageOf(newPage, { issuer }) {
  const page = await newPage({ otherOrigins: [issuer], expectedErrors: [/fonts\.googleapis\.com/, /ERR_FAILED/, /status of 40[01]/] });
  await page.route("https://fonts.googleapis.com/**", (route) => route.abort());
  return page;
}

// Signs in at the issuer, and consents.
async function signInAs(page, login) {
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByPlaceholder("Enter any login").fill(login);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

// Registers the console as a public client.
async function register({ issuer, ca_file: caFile }, redirectUri) {
  const { port } = new URL(issuer);
  const options = { host: "localhost", port, path: "/reg", method: "POST", ca: readFileSync(caFile) };
  const body = {
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
  };
  const status = await new Promise((done, failed) => {
    const sent = request({ ...options, headers: { "content-type": "application/json" } }, (response) => {
      response.resume();
      done(response.statusCode);
    });
    sent.on("error", failed);
    sent.end(JSON.stringify(body));
  });
  assert.equal(status, 201, "the console is registered");
}

// The records of the audit log.
function entries(directory) {
  const audit = join(directory, "audit");
  const files = readdirSync(audit).filter((name) => name.endsWith(".jsonl"));
  const lines = files.flatMap((name) => readFileSync(join(audit, name), "utf8").trimEnd().split("\n"));
  return lines.map((line) => JSON.parse(line));
}
