// Pages of other origins get no access token and make no call, and cannot contain the console.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

// Returns the results of all requests for access tokens of the console, from the audit log.
function results(directory) {
  const audit = join(directory, "audit");
  const files = readdirSync(audit).filter((name) => name.endsWith(".jsonl"));
  const lines = files.flatMap((name) => readFileSync(join(audit, name), "utf8").trimEnd().split("\n"));
  const entries = lines.map((line) => JSON.parse(line)).filter(({ requestUri }) => requestUri === "/console/token");
  return entries.map(({ httpStatusCode, resultSignature }) => `${httpStatusCode} ${resultSignature}`);
}

// Sends a request as a page of another origin, in a way for which browsers ask the server first, and in one for which they do not.
async function attack({ url, contentType, body }) {
  const headers = { "content-type": contentType };
  const asked = fetch(url, { method: "POST", headers, body });
  const simple = fetch(url, { method: "POST", mode: "no-cors", headers: { "content-type": "text/plain" }, body });
  const outcome = (response) => response.then(({ type, status }) => `${type} ${status}`, () => "blocked");
  return Promise.all([outcome(asked), outcome(simple)]);
}

export default async function ({ origin, newPage, connection, directory }) {
  const page = await newPage({ expectedErrors: [/./] });
  // A page of this server on another host, without a policy of its own.
  const other = connection.endpoint.replace("127.0.0.1", "localhost");
  await page.goto(`${other}/healthz`);
  for (const [path, contentType, body] of [
    ["/console/token", "application/json", JSON.stringify({ principal: "dev" })],
    ["/strongroom.v1.KeyService/ListKeys", "application/grpc-web+proto", "\0\0\0\0\0"],
  ]) {
    const outcomes = await page.evaluate(attack, { url: `${origin}${path}`, contentType, body });
    assert.deepEqual(outcomes, ["blocked", "blocked"], path);
  }
  // The browser has sent the question and the simple request, and the server has refused both.
  assert.deepEqual(results(directory).sort(), ["403 access_denied", "405 invalid_request"]);

  // Frames: the browser shows an error page instead.
  await page.evaluate((src) => {
    const frame = document.createElement("iframe");
    frame.src = src;
    document.body.append(frame);
    return new Promise((done) => frame.addEventListener("load", done));
  }, `${origin}/console/`);
  const framed = page.frames().find((frame) => frame !== page.mainFrame());
  assert.ok(!framed || !framed.url().startsWith(origin), framed?.url());
}
