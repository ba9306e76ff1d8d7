/**
 * A missing `setup()` or `init_worker()` is refused at the start where possible, and reported by every worker
 * otherwise.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { signal } from "./support/processes.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const lacking =
  /nginx\.conf has no init_worker_by_lua, without which no worker can serve: add init_worker_by_lua_block/;
const hook = 'init_worker_by_lua_block { require("resty.sluice").init_worker() }';
const servers = [someAddress(1)];

test("without init_worker_by_lua nginx does not start", async (context) => {
  const gateway = await makeGateway(context, { servers, initWorker: null });
  await assertRefusesToStart(gateway, lacking);
});

test("a commented-out init_worker_by_lua does not count, and an init_worker_by_lua in an included file does", async (context) => {
  const gateway = await makeGateway(context, { servers, initWorker: `# ${hook}` });
  await assertRefusesToStart(gateway, lacking);
  mkdirSync(join(gateway.folder, "conf.d"));
  writeFileSync(join(gateway.folder, "conf.d", "worker.conf"), `${hook}\n`);
  gateway.configure({ initWorker: "include conf.d/*.conf;" });
  await gateway.start();
});

test("a reload without init_worker_by_lua is refused, and the old workers keep running", async (context) => {
  const gateway = await startGateway(context, { servers });
  const workers = gateway.workers();
  gateway.log.allow(lacking);
  gateway.configure({ initWorker: null });
  signal(gateway.master, "SIGHUP");
  await waitFor("the reload is refused", () => gateway.log.severeEntries().length > 0);
  assert.deepEqual(gateway.workers(), workers);
  gateway.configure({ initWorker: undefined });
  await gateway.reload();
});

test("without setup() each worker logs one error at its start", async (context) => {
  const gateway = await makeGateway(context, { initLua: "local nothing" });
  const missing = /init_worker_by_lua.*resty\.sluice: setup\(\) was not called in init_by_lua/;
  gateway.log.allow(/setup\(\) was not called/);
  await gateway.start();
  await waitFor("each worker has logged it", () => {
    return gateway.log.severeEntries().filter((line) => missing.test(line)).length === gateway.workerCount;
  });
  assert.equal((await ask(gateway.port)).status, 500);
  assert.ok(!gateway.log.text().includes("init_worker() was not called"), "the log names only the cause");
});

test("an init_worker_by_lua that does not call init_worker() is reported at the first request", async (context) => {
  const gateway = await startGateway(context, {
    servers,
    initWorker: "init_worker_by_lua_block { local nothing }",
  });
  const missing = /resty\.sluice: init_worker\(\) was not called in init_worker_by_lua/;
  gateway.log.allow(missing);
  assert.equal((await ask(gateway.port)).status, 500);
  assert.ok(gateway.log.severeEntries().some((line) => missing.test(line)));
});
