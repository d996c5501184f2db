// In a gateway, the console signs in by the authorization code flow with PKCE. The issuer is played by the test: it answers on the
// origin of the console with a token that the simulator issued.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

export default async function ({ origin, newPage }) {
  const page = await newPage();
  const issuer = `${origin}/issuer`;
  let challenge;
  let state;
  await page.route("**/console/config.json", (route) =>
    route.fulfill({ json: { mode: "gateway", version: "1", issuer, clientId: "console", scopes: ["openid", "keys"] } }),
  );
  await page.route(`${issuer}/.well-known/openid-configuration`, (route) =>
    route.fulfill({ json: { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` } }),
  );
  await page.route(`${issuer}/authorize?*`, (route) => {
    const parameters = new URL(route.request().url()).searchParams;
    assert.equal(parameters.get("response_type"), "code");
    assert.equal(parameters.get("code_challenge_method"), "S256");
    assert.equal(parameters.get("scope"), "openid keys");
    assert.equal(parameters.get("redirect_uri"), `${origin}/console/`);
    challenge = parameters.get("code_challenge");
    state = parameters.get("state");
    return route.fulfill({ status: 302, headers: { location: `${origin}/console/?code=the-code&state=${encodeURIComponent(state)}` } });
  });
  await page.route(`${issuer}/token`, async (route) => {
    const request = new URLSearchParams(route.request().postData());
    assert.equal(request.get("code"), "the-code");
    assert.equal(createHash("sha256").update(request.get("code_verifier")).digest("base64url"), challenge);
    const { accessToken, expiresIn } = await page.evaluate(issueToken);
    return route.fulfill({ json: { access_token: accessToken, expires_in: expiresIn, token_type: "Bearer" } });
  });

  await page.goto(`${origin}/console/#/hsms/local`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Managed HSM local" }).waitFor();
  await page.getByText("There are no keys.").waitFor();
  assert.equal(new URL(page.url()).search, "", "the code is removed from the address");
  assert.equal(await page.getByRole("link", { name: "Clock" }).count(), 0, "a gateway's clock is not for this page");
  await page.getByRole("button", { name: "Sign out" }).click();

  // An answer that this browser did not ask for.
  await page.goto(`${origin}/console/?code=stolen&state=forged`);
  await page.getByRole("alert").filter({ hasText: "another sign-in" }).waitFor();
}

async function issueToken() {
  const headers = { "content-type": "application/json" };
  const response = await fetch("/console/token", { method: "POST", headers, body: JSON.stringify({ principal: "dev" }) });
  return response.json();
}
