/** Active health checks over TLS: the name that is sent, and the verification of certificates. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createSecureContext } from "node:tls";
import { makeFolder } from "./support/folder.mjs";
import { blog, shop, stray } from "./support/named_certificates.mjs";
import { resultsOf, startProbed, startProber, WELL } from "./support/probes.mjs";
import { sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const quick = { interval: "200ms", timeout: "5s", type: "https" };

/** Several, because the message of nginx depends on how fast the handshake is. */
const RESULTS = 8;

/**
 * Starts a server that has a certificate for each of two names, and another one for all other names.
 * @param {import("node:test").TestContext} context
 */
async function startNamed(context) {
  /** @type {(string | undefined)[]} */
  const names = [];
  const certificates = { "shop.example": shop, "blog.example": blog };
  const tls = {
    ...stray,
    SNICallback: (name, done) => {
      names.push(name);
      done(null, certificates[name] && createSecureContext(certificates[name]));
    },
  };
  return Object.assign(await startProbed(context, WELL, { tls }), { names });
}

/**
 * @param {import("node:test").TestContext} context
 * @param {string} texts the trusted certificates
 */
function trust(context, texts) {
  const path = join(makeFolder(context, "trusted"), "trusted.pem");
  writeFileSync(path, texts);
  return { workers: 1, http: `lua_socket_log_errors off; lua_ssl_trusted_certificate ${path};` };
}

/**
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {string} address
 */
async function someResults(gateway, address, count = RESULTS) {
  const before = resultsOf(gateway, address).length;
  await waitFor(`${address} is probed`, () => resultsOf(gateway, address).length >= before + count);
  return resultsOf(gateway, address).slice(before);
}

test("an https check sends the name in host as SNI, and no name for an address", async (context) => {
  const server = await startNamed(context);
  const gateway = await startProber(context, { ...quick, host: "blog.example:8443" }, [server.address]);
  assert.ok((await someResults(gateway, server.address)).every(({ passed }) => passed));
  assert.deepEqual([...new Set(server.names)], ["blog.example"]);
  assert.match(server.request, /\r\nHost: blog\.example:8443\r\n/);
  const check = { ...quick, host: "127.0.0.1" };
  await gateway.api.expect(200, "PATCH", sluice(), { health_check: check });
  await waitFor("the address is sent", () => server.request.includes("\r\nHost: 127.0.0.1\r\n"));
  assert.deepEqual([...new Set(server.names)], ["blog.example"]);
});

test("a verified check passes only with a trusted certificate of the right name", async (context) => {
  const server = await startNamed(context);
  const gateway = await startProber(
    context,
    { ...quick, host: "shop.example", verify: true },
    [server.address],
    trust(context, shop.cert + stray.cert),
  );
  const hint = (name) =>
    `nginx's lua_ssl_trusted_certificate must have its issuer, and it must be for "${name}"`;
  for (const { passed, reason } of await someResults(gateway, server.address))
    assert.deepEqual({ passed, reason }, { passed: true, reason: "/ returned 200" });

  // blog.example's certificate is not trusted, and another.example gets the one of stray.example.
  for (const host of ["blog.example", "another.example"]) {
    const health_check = { ...quick, host, verify: true };
    await gateway.api.expect(200, "PATCH", sluice(), { health_check });
    await waitFor("the new name is probed", () => server.names.includes(host));
    await someResults(gateway, server.address, 1);
    for (const { passed, reason } of await someResults(gateway, server.address)) {
      assert.equal(passed, false, host);
      assert.match(reason, /^\/: could not shake hands: .*certificate/);
      assert.ok(reason.endsWith(hint(host)), reason);
    }
    const health = { ...health_check, verify: false };
    await gateway.api.expect(200, "PATCH", sluice(), { health_check: health });
    await waitFor("it passes without verification", () => resultsOf(gateway, server.address).at(-1)?.passed);
  }
});

test("a kept connection that was not verified is not used by a verified check", async (context) => {
  const server = await startNamed(context);
  const options = trust(context, shop.cert);
  const check = { ...quick, host: "blog.example" };
  const gateway = await startProber(context, check, [server.address], options);
  assert.ok((await someResults(gateway, server.address)).every(({ passed }) => passed));
  assert.equal(server.connections, 1);
  await gateway.api.expect(200, "PATCH", sluice(), { health_check: { ...check, verify: true } });
  await waitFor("a check fails", () => resultsOf(gateway, server.address).at(-1)?.passed === false);
  assert.ok((await someResults(gateway, server.address)).every(({ passed }) => !passed));
});

test("without trusted certificates, a verified check fails and says what nginx needs", async (context) => {
  const server = await startNamed(context);
  const check = { ...quick, host: "shop.example", verify: true };
  const gateway = await startProber(context, check, [server.address], { workers: 1 });
  for (const { passed, reason } of await someResults(gateway, server.address)) {
    assert.equal(passed, false);
    assert.match(reason, /lua_ssl_trusted_certificate must have its issuer/);
  }
});
