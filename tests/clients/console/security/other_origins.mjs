// Pages of other origins get no access token and make no call, and cannot contain the console.
import assert from "node:assert/strict";

// Sends a request as a page of another origin, in a way for which browsers ask the server first, and in one for which they do not.
async function attack({ url, contentType, body }) {
  const headers = { "content-type": contentType };
  const asked = fetch(url, { method: "POST", headers, body });
  const simple = fetch(url, { method: "POST", mode: "no-cors", headers: { "content-type": "text/plain" }, body });
  const outcome = (response) => response.then(({ type, status }) => `${type} ${status}`, () => "blocked");
  return Promise.all([outcome(asked), outcome(simple)]);
}

export default async function ({ origin, newPage, connection }) {
  const page = await newPage({ expectedErrors: [/./] });
  const answered = [];
  page.on("response", (response) => answered.push([response.request().method(), new URL(response.url()).pathname, response.status()]));
  // A page of this server on another host, without a policy of its own.
  const other = connection.endpoint.replace("127.0.0.1", "localhost");
  await page.goto(`${other}/healthz`);
  for (const [path, contentType, body] of [
    ["/console/token", "application/json", JSON.stringify({ principal: "dev" })],
    ["/strongroom.v1.KeyService/ListKeys", "application/grpc-web+proto", "\0\0\0\0\0"],
  ]) {
    answered.length = 0;
    const outcomes = await page.evaluate(attack, { url: `${origin}${path}`, contentType, body });
    // The page cannot read the response to the simple request, which the server refused.
    assert.deepEqual(outcomes, ["blocked", "opaque 0"], path);
    const posted = answered.filter(([method]) => method === "POST");
    assert.ok(posted.length > 0 && posted.every(([, , status]) => status >= 400), JSON.stringify(answered));
  }

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
