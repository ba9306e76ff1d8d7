/** The audit log: one line of JSON for each change and each refusal, and never a secret. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { basic } from "./support/access.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { as, entry, secretOf, startWithTokens } from "./support/tokens.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const servers = ["127.0.0.1:9"];
const setup = { api: { audit_log: "audit.log" } };

const pathOf = ({ folder }) => join(folder, "audit.log");
const textOf = (gateway) => (existsSync(pathOf(gateway)) ? readFileSync(pathOf(gateway), "utf8") : "");
const linesOf = (gateway) =>
  textOf(gateway)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    // The test asks for this path until the gateway answers.
    .filter(({ path }) => path !== "/api");

test("each change and each refusal is one line, and reads that succeed are none", async (context) => {
  const tokens = [
    entry("root", "admin"),
    entry("reader", "read"),
    entry("app", "write", { upstreams: ["app"] }),
  ];
  const gateway = await startWithTokens(context, tokens, { servers, setup });
  const { api } = gateway;
  const path = `${serversOf()}/0`;
  await api.get(sluice(), as("reader"));
  const changed = await api.patch(path, { weight: 2 }, as("app"));
  await api.put(sluice("other"), { servers: [] }, as("app"));
  const refused = await api.delete(`${path}?fields=id`, as("reader"));
  await api.get(sluice(), as("stranger"));
  await api.get(sluice("none"), as("root"));
  await api.patch(path, { weight: 0 }, as("root"));
  await api.delete(`${serversOf()}/?server=127.0.0.1:9&secret=hidden-text`, as("root"));
  await api.send("PROPFIND", "/api/9/nothing", undefined, as("root"));
  const lines = linesOf(gateway);
  assert.deepEqual(
    lines.map(({ who, role, method, upstreams, status, code }) => [
      who,
      role,
      method,
      upstreams?.join(),
      status,
      code,
    ]),
    [
      ["app", "write", "PATCH", "app", 200, undefined],
      ["app", "write", "PUT", "other", 403, "UpstreamNotAllowed"],
      ["reader", "read", "DELETE", "app", 403, "RoleMissing"],
      [undefined, undefined, "GET", "app", 401, "Unauthorized"],
      ["root", "admin", "PATCH", "app", 400, "UpstreamBadWeight"],
      ["root", "admin", "DELETE", "app", 200, undefined],
      ["root", "admin", "PROPFIND", undefined, 404, "PathNotFound"],
    ],
  );
  const [first, , third] = lines;
  assert.deepEqual([first.from, first.path, first.kind], ["127.0.0.1", path, "token"]);
  assert.match(first.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(third.request_id, refused.body.request_id);
  assert.equal(changed.status, 200);
  assert.deepEqual(lines[5].query, { server: "127.0.0.1:9" });
  assert.ok(!textOf(gateway).includes("hidden-text"));
});

test("local clients are named local, and reports and renewals have no line", async (context) => {
  const gateway = await startGateway(context, { servers, setup });
  const { api } = gateway;
  const node = { server: "127.0.0.5:9", ttl: "10s" };
  await api.expect(201, "PUT", `${sluice()}/nodes/one`, node);
  for (let round = 0; round < 3; round += 1) {
    await api.expect(200, "PUT", `${sluice()}/nodes/one`, node);
    await api.expect(204, "POST", `${sluice()}/nodes/one/report`, { utilization: 0.5 });
  }
  await api.expect(200, "PUT", `${sluice()}/nodes/one`, { ...node, weight: 3 });
  await api.expect(204, "DELETE", `${sluice()}/nodes/one`);
  assert.deepEqual(
    linesOf(gateway).map(({ who, kind, role, method, status }) => [who, kind, role, method, status]),
    [
      ["local", "local", "admin", "PUT", 201],
      ["local", "local", "admin", "PUT", 200],
      ["local", "local", "admin", "DELETE", 204],
    ],
  );
});

test("no token is in any log, however it is sent", async (context) => {
  const tokens = [entry("root", "admin"), { name: "plain", token: "open-sesame", role: "write" }];
  const api = { ...setup.api, write_tokens: ["write-secret"], read_tokens: ["read-secret"] };
  const gateway = await startWithTokens(context, tokens, { servers, setup: { api } });
  const secrets = [secretOf("root"), "open-sesame", "write-secret", "read-secret", "wrong-secret"];
  for (const secret of secrets) {
    for (const authorization of [`Bearer ${secret}`, basic("user", secret), secret, `Digest ${secret}`]) {
      const headers = { Authorization: authorization };
      await gateway.api.get(`${sluice()}?token=${secret}`, headers);
      await gateway.api.patch(`${serversOf()}/0?token=${secret}`, { weight: 0 }, headers);
      await gateway.api.get("/api/sluice/1/tokens", headers);
    }
  }
  const logs = textOf(gateway) + gateway.log.text();
  assert.ok(linesOf(gateway).length > 20);
  for (const secret of secrets) {
    assert.ok(!logs.includes(secret), secret);
    assert.ok(!logs.includes(Buffer.from(`user:${secret}`).toString("base64")), secret);
  }
});

test("control characters cannot forge a line", async (context) => {
  const gateway = await startGateway(context, { servers, setup });
  for (const name of ["a%0a%7b%7d", "a%1b%5b2J", "a%c2%9b2J", "a%ff%fe", "a%e2%80%a8", "%22%7d%0a"])
    await gateway.api.delete(sluice(name));
  const text = textOf(gateway);
  assert.equal(text.split("\n").length, 7);
  assert.doesNotMatch(text, /[^\n -~\u00a0-\uffff]/);
  assert.deepEqual(
    linesOf(gateway)
      .map(({ upstreams }) => upstreams[0])
      .slice(0, 3),
    ["a\n{}", "a\u001b[2J", "a\u009b2J"],
  );
});

test("the file is appended to, and only its owner and group can read it", async (context) => {
  const gateway = await startGateway(context, { servers, setup });
  await gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 2 });
  assert.equal(statSync(pathOf(gateway)).mode & 0o777, 0o640);
  await gateway.stop();
  await gateway.start();
  await gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 3 });
  await gateway.reload();
  await gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 4 });
  assert.equal(linesOf(gateway).length, 3);
});

test("a file that was moved is opened again, or the lines go on to the old one with one warning", async (context) => {
  const gateway = await startGateway(context, { servers, setup });
  const change = (weight) => gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { weight });
  await change(2);
  // The workers have no right to create a file in this folder.
  renameSync(pathOf(gateway), `${pathOf(gateway)}.1`);
  const problems = async () => (await gateway.api.get("/api/sluice/1/status")).body.problems;
  let weight = 3;
  await waitFor("the API reports it", async () => {
    await change((weight += 1));
    return (await problems()).some(({ problem }) => problem === "audit_log_failing");
  });
  assert.equal(gateway.log.text().match(/api\.audit_log cannot be written/g)?.length, 1);
  const old = readFileSync(`${pathOf(gateway)}.1`, "utf8")
    .trim()
    .split("\n");
  assert.equal(old.length, weight - 2);
  // As logrotate's `create` does.
  writeFileSync(pathOf(gateway), "");
  chmodSync(pathOf(gateway), 0o666);
  await waitFor("the lines go to the new file", async () => {
    await change((weight += 1));
    return linesOf(gateway).length > 2 && (await problems()).length === 0;
  });
});

test("a log that cannot be opened, or is no regular file, stops the start", async (context) => {
  const gateway = await makeGateway(context, { servers, setup });
  mkdirSync(pathOf(gateway));
  await assertRefusesToStart(
    gateway,
    /invalid "api\.audit_log": could not open .*audit\.log: Is a directory/,
  );
  gateway.configure({ setup: { api: { audit_log: "none/audit.log" } } });
  await assertRefusesToStart(gateway, /could not open .*none\/audit\.log: No such file or directory/);
  symlinkSync("/etc/passwd", join(gateway.folder, "link"));
  gateway.configure({ setup: { api: { audit_log: "link" } } });
  await assertRefusesToStart(gateway, /could not open .*link: it is a symbolic link/);
  gateway.configure({ setup: { api: { audit_log: "/dev/null" } } });
  await assertRefusesToStart(gateway, /could not open \/dev\/null: it is not a regular file/);
});
