/** Access by TLS client certificates that nginx has verified. */
import assert from "node:assert/strict";
import { get } from "node:https";
import { test } from "node:test";
import { bearer } from "./support/access.mjs";
import { Api } from "./support/api.mjs";
import { Authority } from "./support/authority.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/ports.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";

const upstreams = { app: { servers: [{ server: "127.0.0.1:9" }] }, other: {} };
const certificates = {
  "CN=deploy,O=Example": { role: "write", upstreams: ["app"] },
  "CN=monitor,O=Ex\\C3\\A4mple\\, Inc.": { role: "read" },
};

/**
 * Starts a gateway whose API also listens with TLS, and asks clients for a certificate.
 * @param {import("node:test").TestContext} context
 * @param {Authority} authority
 * @param {{ verify?: string, api?: object }} [options]
 */
async function startSecure(context, authority, { verify = "optional", api = {} } = {}) {
  const port = await freePort();
  const { keyPath, certPath } = authority.issue("/CN=localhost");
  const gateway = await startGateway(context, {
    upstreams,
    setup: { api: { certificates, ...api } },
    api: `listen 127.0.0.1:${port} ssl; ssl_certificate ${certPath}; ssl_certificate_key ${keyPath};
      ssl_client_certificate ${authority.path}; ssl_verify_client ${verify};`,
  });
  const by = (identity) => new Api({ port, secure: true, identity });
  return { gateway, by, port };
}

/** Returns the status of an answer that need not be one of the API. @returns {Promise<number | undefined>} */
function statusFor(port, { key, cert }) {
  const options = { host: "127.0.0.1", port, path: sluice(), key, cert, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    get(options, (response) => resolve(response.resume().statusCode)).on("error", reject);
  });
}

test("the subject of a verified certificate decides what a client may do", async (context) => {
  const authority = new Authority(context);
  const { gateway, by } = await startSecure(context, authority);
  const deploy = by(authority.issue("/O=Example/CN=deploy"));
  await deploy.expect(200, "PATCH", `${serversOf()}/0`, { weight: 2 });
  assertErrorBody(await deploy.get(sluice("other")), 403, "UpstreamNotAllowed");
  assertErrorBody(await deploy.get("/api/sluice/1/tokens"), 403, "RoleMissing");
  assert.deepEqual(Object.keys((await deploy.get("/api/sluice/1/upstreams")).body), ["app"]);

  const monitor = by(authority.issue("/O=Exämple, Inc./CN=monitor"));
  await monitor.expect(200, "GET", sluice("other"));
  const refused = await monitor.patch(`${serversOf()}/0`, { weight: 3 });
  assertErrorBody(refused, 403, "RoleMissing");
  assert.match(refused.body.error.text, /the certificate "CN=monitor,O=.*" has the role "read"$/);

  for (const subject of [
    "/CN=deploy",
    "/O=Example/CN=Deploy",
    "/O=Example/CN=deploy/OU=x",
    "/CN=deploy/O=Example",
  ])
    assertErrorBody(await by(authority.issue(subject)).get(sluice()), 401, "Unauthorized");
  assertErrorBody(await by(undefined).get(sluice()), 401, "Unauthorized");
  assertErrorBody(await gateway.api.get(sluice()), 401, "Unauthorized");
});

test("a certificate that nginx has not verified gives no rights, even if its subject is listed", async (context) => {
  const authority = new Authority(context);
  const stranger = new Authority(context, "/CN=Another").issue("/O=Example/CN=deploy");
  const outdated = authority.issue("/O=Example/CN=deploy", ["-days", "-1"]);
  const { gateway, by, port } = await startSecure(context, authority, { verify: "optional_no_ca" });
  // OpenSSL leaves an error behind that nginx reports with a later request.
  gateway.log.allow(/ignoring stale global SSL error/);
  await by(authority.issue("/O=Example/CN=deploy")).expect(200, "GET", sluice());
  assertErrorBody(await by(stranger).get(sluice()), 401, "Unauthorized");
  // nginx itself refuses a certificate that has expired, in HTML.
  assert.equal(await statusFor(port, outdated), 400);
});

test("headers do not replace a certificate", async (context) => {
  const authority = new Authority(context);
  const { gateway, by } = await startSecure(context, authority);
  const headers = {
    "X-SSL-Client-Verify": "SUCCESS",
    "SSL-Client-Verify": "SUCCESS",
    "SSL-Client-S-DN": "CN=deploy,O=Example",
    "X-SSL-Client-S-DN": "CN=deploy,O=Example",
  };
  for (const api of [gateway.api, by(undefined)])
    assertErrorBody(await api.get(sluice(), headers), 401, "Unauthorized");
});

test("a token takes precedence over the certificate, and an unknown token does not", async (context) => {
  const authority = new Authority(context);
  const { by } = await startSecure(context, authority, {
    api: { read_tokens: ["reader"], write_tokens: ["writer"] },
  });
  const deploy = by(authority.issue("/O=Example/CN=deploy"));
  assertErrorBody(
    await deploy.patch(`${serversOf()}/0`, { weight: 2 }, bearer("reader")),
    403,
    "RoleMissing",
  );
  await deploy.expect(200, "GET", sluice("other"), undefined, bearer("writer"));
  await deploy.expect(200, "PATCH", `${serversOf()}/0`, { weight: 2 }, bearer("unknown"));
});

test("a certificate without a role stops the start", async (context) => {
  const setup = { api: { certificates: { "CN=a": { role: "king" } } } };
  const gateway = await makeGateway(context, { upstreams, setup });
  await assertRefusesToStart(gateway, /invalid "api\.certificates\["CN=a"\]\.role": must be one of/);
});
