// A page signs in as a principal without a password, and calls the service by gRPC-Web with the rights of that principal.
import assert from "node:assert/strict";

// Signs in, and lists the keys of the HSM: returns the status of the call.
async function listKeys({ principal, hsm }) {
  const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ principal }) };
  const signedIn = await fetch("/console/token", request);
  const { accessToken, expiresIn, error } = await signedIn.json();
  if (error) {
    return { status: signedIn.status, code: error.code };
  }
  // ListKeysRequest: the field `parent` has number 1.
  const parent = new TextEncoder().encode(`hsms/${hsm}`);
  const message = Uint8Array.of(0, 0, 0, 0, parent.length + 2, 10, parent.length, ...parent);
  const call = await fetch("/strongroom.v1.KeyService/ListKeys", {
    method: "POST",
    headers: { "content-type": "application/grpc-web+proto", authorization: `Bearer ${accessToken}` },
    body: message,
  });
  const body = await call.text();
  const status = call.headers.get("grpc-status") ?? /grpc-status: ?(\d+)/.exec(body)?.[1];
  const claims = JSON.parse(atob(accessToken.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  return { http: call.status, status, expiresIn, principal: claims.oid };
}

export default async function ({ origin, newPage, connection }) {
  const page = await newPage({ expectedErrors: [/status of 400/] });
  const idOf = (name) => connection.principals.find((principal) => principal.name === name).object_id;
  for (const home of [`${origin}/console/`, connection.endpoint.replace("127.0.0.1", "localhost") + "/console/"]) {
    await page.goto(home);
    const dev = await page.evaluate(listKeys, { principal: "dev", hsm: connection.hsm });
    assert.deepEqual(dev, { http: 200, status: "0", expiresIn: 3599, principal: idOf("dev") });
    const nobody = await page.evaluate(listKeys, { principal: "nobody", hsm: connection.hsm });
    assert.deepEqual(nobody, { http: 200, status: "7", expiresIn: 3599, principal: idOf("nobody") });
    const unknown = await page.evaluate(listKeys, { principal: "root", hsm: connection.hsm });
    assert.deepEqual(unknown, { status: 400, code: "UnknownPrincipal" });
  }
}
