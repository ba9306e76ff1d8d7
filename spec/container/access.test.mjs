/** The variables of the image for named tokens and for the audit log. */
import assert from "node:assert/strict";
import { entry, as } from "../gateway/support/tokens.mjs";
import { Api } from "../gateway/support/api.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { containerTest, fileWith, startImage } from "./support/image.mjs";

const server = { server: "127.0.0.1:9" };

/** A file of named tokens in the container. @param {import("node:test").TestContext} context */
const tokens = (context) => ({
  "/run/secrets/tokens": fileWith(
    context,
    JSON.stringify([entry("deploy", "write"), entry("reader", "read")]),
  ),
});

/** @param {string} output @returns {any[]} the lines of the audit log */
const auditIn = (output) =>
  output
    .split("\n")
    .filter((line) => line.startsWith('{"time":'))
    .map((line) => JSON.parse(line))
    // The test asks for this path until the gateway answers.
    .filter(({ path }) => path !== "/api");

containerTest("SLUICE_TOKENS_FILE gives named tokens instead of a generated one", async (context) => {
  const environment = { SLUICE_TOKENS_FILE: "/run/secrets/tokens" };
  const gateway = await startImage(context, { environment, files: tokens(context) });
  const api = new Api({ port: gateway.apiPort });
  assert.equal((await api.post(serversOf(), server)).status, 401);
  assert.equal((await api.post(serversOf(), server, as("reader"))).body.error.code, "RoleMissing");
  assert.equal((await api.post(serversOf(), server, as("deploy"))).status, 201);
  assert.doesNotMatch(gateway.container.output, /made a token/);
  assert.notEqual((await gateway.run("cat", "/var/lib/sluice/write_token")).exitCode, 0);
});

containerTest(
  "a file of named tokens and a file of tokens for writing can be used together",
  async (context) => {
    const environment = {
      SLUICE_TOKENS_FILE: "/run/secrets/tokens",
      SLUICE_WRITE_TOKENS_FILE: "/run/secrets/write",
    };
    const files = { ...tokens(context), "/run/secrets/write": fileWith(context, "writer\n") };
    const gateway = await startImage(context, { environment, files });
    const api = new Api({ port: gateway.apiPort });
    assert.equal((await api.post(serversOf(), server, { Authorization: "Bearer writer" })).status, 201);
    assert.equal((await api.delete(`${serversOf()}/0`, as("deploy"))).status, 200);
  },
);

containerTest(
  "SLUICE_AUDIT_LOG=/dev/stdout shows changes and refusals in the output of the container",
  async (context) => {
    const environment = { SLUICE_TOKENS_FILE: "/run/secrets/tokens", SLUICE_AUDIT_LOG: "/dev/stdout" };
    const readOnly = { ReadonlyRootfs: true, CapDrop: ["ALL"], Tmpfs: { "/tmp": "" } };
    const gateway = await startImage(context, { environment, files: tokens(context), hostConfig: readOnly });
    const api = new Api({ port: gateway.apiPort });
    await api.post(serversOf(), server, as("reader"));
    await api.post(serversOf(), server, as("deploy"));
    const lines = await waitFor("Docker has both lines", () => {
      const found = auditIn(gateway.container.output);
      return found.length >= 2 ? found : undefined;
    });
    assert.deepEqual(
      lines.map(({ who, method, status, code }) => [who, method, status, code]),
      [
        ["reader", "POST", 403, "RoleMissing"],
        ["deploy", "POST", 201, undefined],
      ],
    );
    assert.deepEqual((await api.get("/api/sluice/1/status", as("reader"))).body.problems, []);
  },
);

containerTest("SLUICE_AUDIT_LOG can name a file in the volume of the state", async (context) => {
  const environment = { SLUICE_AUDIT_LOG: "/var/lib/sluice/audit.log" };
  const gateway = await startImage(context, { environment });
  await (await gateway.api()).expect(201, "POST", serversOf(), server);
  const { stdout } = await gateway.run("cat", "/var/lib/sluice/audit.log");
  assert.equal(auditIn(stdout).at(-1).status, 201);
});
