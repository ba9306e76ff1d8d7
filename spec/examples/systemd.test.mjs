/** examples/systemd/: runs the unit's commands as its user and in its folders. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runQuietly } from "../../scripts/command.mjs";
import { ensureServer, root } from "../../scripts/setup.mjs";
import { Api } from "../gateway/support/api.mjs";
import { startBackend } from "../gateway/support/backend.mjs";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { replaceIn } from "./support/files.mjs";
import { Service } from "./support/service.mjs";

const workers = 2;
const example = join(root, "examples", "systemd");

/**
 * Installs the example with two servers below a temporary folder. When the test ends, the service is stopped
 * and its log must be clean.
 * @param {import("node:test").TestContext} context
 */
async function install(context) {
  const folder = makeFolder(context, "example-systemd");
  const lua = join(folder, "usr/local/share/lua/5.1");
  cpSync(join(root, "dist"), lua, { recursive: true });

  const backends = [await startBackend(context), await startBackend(context)];
  const port = await freePort();
  const apiPort = await freePort();
  const { binary, globalDirectives } = ensureServer();
  const inFolder = (text) =>
    text.replace(/(?<![\w.])\/(etc|run|var\/lib|var\/cache)\/sluice\b/g, `${folder}/$1/sluice`);
  const conf = replaceIn(readFileSync(join(example, "nginx.conf"), "utf8"), "nginx.conf", [
    ["worker_processes auto;", `worker_processes ${workers};`],
    ['"/usr/local/share/lua/5.1/?.lua;;"', `"${lua}/?.lua;;"`],
    ["127.0.0.1:8080", `127.0.0.1:${port}`],
    ["127.0.0.1:8081", `127.0.0.1:${apiPort}`],
    ["127.0.0.1:9001", backends[0].address],
    ["127.0.0.1:9002", backends[1].address],
    // OpenResty must not load the modules of an nginx that this machine may also have.
    ...(globalDirectives === "" ? [["include /etc/nginx/modules-enabled/*.conf;", ""]] : []),
  ]);
  const confPath = join(folder, "etc/sluice/nginx.conf");
  mkdirSync(join(folder, "etc/sluice"), { recursive: true });
  writeFileSync(confPath, inFolder(conf));

  const text = readFileSync(join(example, "sluice.service"), "utf8").replaceAll(
    "=/usr/sbin/nginx ",
    `=${binary} `,
  );
  const unitPath = join(folder, "sluice.service");
  writeFileSync(unitPath, inFolder(text));
  const service = new Service(inFolder(text), folder);
  atEnd(context, async () => {
    await service.stop();
    service.log.assertClean();
  });
  /** Replaces a text in nginx.conf. */
  const configure = (from, to) =>
    writeFileSync(confPath, replaceIn(readFileSync(confPath, "utf8"), "nginx.conf", [[from, to]]));
  return { folder, unitPath, service, backends, port, api: new Api({ port: apiPort }), configure };
}

test("systemd reports no problem and a low exposure for the unit", async (context) => {
  const { unitPath, service } = await install(context);
  const verified = runQuietly("systemd-analyze", ["verify", unitPath]);
  assert.ok(verified.ok, verified.output);
  // systemd-analyze also reports problems of this machine's other units.
  const own = verified.output.split("\n").filter((line) => line.includes("sluice.service"));
  assert.deepEqual(own, []);
  // The threshold is in tenths: 2 of 10. A service without any protection has 10.
  const security = runQuietly("systemd-analyze", ["security", "--offline=true", "--threshold=20", unitPath]);
  assert.ok(security.ok, security.output);
  for (const key of ["DynamicUser", "NoNewPrivileges", "PrivateTmp"]) assert.equal(service.value(key), "yes");
  assert.equal(service.value("ProtectSystem"), "strict");
  assert.equal(service.value("KillMode"), "mixed", "service.mjs relies on this mode");
  const [, connections] =
    /worker_connections (\d+);/.exec(readFileSync(join(example, "nginx.conf"), "utf8")) ?? [];
  assert.ok(
    Number(service.value("LimitNOFILE")) >= 2 * Number(connections),
    "a connection may need two files",
  );
});

test("the service runs as its user, reloads under load, finishes requests when it stops, and keeps its state", async (context) => {
  const { service, backends, port, api, folder } = await install(context);
  assert.equal(await service.start(), 0, service.log.text());
  await waitFor("all workers run", () => service.processes().length === workers + 1);
  for (const pid of service.processes()) assert.equal(statSync(`/proc/${pid}`).uid, service.user);

  const load = startLoad(context, { port, keepAlive: false, connections: 16 });
  await load.round();
  const before = service.processes();
  assert.equal(await service.reload(), 0, service.log.text());
  await waitFor("new workers have taken over", () => {
    const now = service.processes();
    return now.length === workers + 1 && now.filter((pid) => before.includes(pid)).length === 1;
  });
  await load.round();
  await load.stop();
  assert.deepEqual([...load.errors], []);
  assert.deepEqual(new Set(load.backends.keys()), new Set(backends.map(({ id }) => id)));

  const added = await startBackend(context);
  await api.expect(201, "POST", serversOf(), { server: added.address });
  const held = Array.from({ length: 24 }, () => ask(port, "/?delay=1500"));
  await waitFor(
    "all requests are in flight",
    () => [...backends, added].reduce((sum, { active }) => sum + active, 0) === 24,
  );
  await service.stop();
  for (const { status } of await Promise.all(held)) assert.equal(status, 200);
  assert.equal(statSync(join(folder, "var/lib/sluice")).mode & 0o777, 0o700);

  assert.equal(await service.start(), 0);
  const servers = await api.expect(200, "GET", serversOf());
  assert.deepEqual(
    servers.map(({ server }) => server),
    [...backends, added].map(({ address }) => address),
  );
});

test("a mistake fails the start or the reload with the reason, and a running service goes on", async (context) => {
  const { service, port, configure } = await install(context);
  const unknown = /unknown parameter "state_dri"/;
  const misspelt = /unknown directive "listne"/;
  service.log.allow(unknown, misspelt);
  const complaints = (pattern) => service.log.severeEntries().filter((line) => pattern.test(line)).length;
  configure("state_dir =", "state_dri =");
  assert.equal(await service.start(), 1);
  assert.equal(complaints(unknown), 1, service.log.text());

  configure("state_dri =", "state_dir =");
  assert.equal(await service.start(), 0, service.log.text());
  await waitFor("all workers run", () => service.processes().length === workers + 1);
  const before = service.processes();
  configure("state_dir =", "state_dri =");
  assert.equal(await service.reload(), 0, "`nginx -s reload` itself does not run setup()");
  await waitFor("the reload has failed", () => complaints(unknown) === 2);
  configure(`listen 127.0.0.1:${port}`, `listne 127.0.0.1:${port}`);
  assert.equal(await service.reload(), 1);
  assert.equal(complaints(misspelt), 1, service.log.text());
  assert.equal((await ask(port)).status, 200);
  assert.deepEqual(service.processes(), before);
});
