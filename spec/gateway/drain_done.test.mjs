/** A completed drain job is shown for some time, and the server's address can identify a drain job. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const jobs = `${sluice()}/servers`;
/** @param {string} address */
const byAddress = (address) => `${jobs}/drain?server=${encodeURIComponent(address)}`;

/** Waits until a job is done. @param {import("./support/api.mjs").Api} api @param {string} path */
const done = (api, path) =>
  waitFor("the job is done", async () => {
    const { body } = await api.get(path);
    return body.state === "done" ? body : undefined;
  });

test("a completed drain job is reported with its time, even after a reload, a restart and other changes", async (context) => {
  const servers = [1, 2, 3].map((number) => someAddress(number));
  const gateway = await startGateway(context, { servers });
  const { api } = gateway;
  const began = Date.now();
  await api.expect(202, "POST", `${jobs}/1/drain`, { deadline: "1h" });
  const report = await done(api, `${jobs}/1/drain`);
  assert.deepEqual({ ...report, time: "" }, { id: 1, server: servers[1], state: "done", time: "" });
  const time = Date.parse(report.time);
  assert.ok(time >= began - 1000 && time <= Date.now() + 1000, report.time);

  await api.expect(200, "PATCH", sluice(), { method: "random" });
  await api.expect(202, "POST", `${jobs}/2/drain`);
  const second = await done(api, `${jobs}/2/drain`);
  for (const restart of ["reload", "stop", "kill"]) {
    if (restart === "reload") await gateway.reload();
    else await (restart === "stop" ? gateway.stop() : gateway.killAll());
    if (restart !== "reload") await gateway.start();
    assert.deepEqual(await api.expect(200, "GET", `${jobs}/1/drain`), report, restart);
    assert.deepEqual(await api.expect(200, "GET", `${jobs}/2/drain`), second, restart);
  }
  for (const id of [0, 77]) {
    const code = id === 0 ? "DrainNotFound" : "UpstreamServerNotFound";
    assertErrorBody(await api.get(`${jobs}/${id}/drain`), 404, code);
  }
  // The server no longer exists, so there is nothing to change.
  assertErrorBody(await api.post(`${jobs}/1/drain`), 404, "UpstreamServerNotFound");
  assertErrorBody(await api.delete(`${jobs}/1/drain`), 404, "UpstreamServerNotFound");
  // The same applies after the upstream was deleted and created again.
  await api.expect(204, "DELETE", sluice());
  await api.expect(201, "PUT", sluice(), { servers: [{ server: servers[0] }] });
  assertErrorBody(await api.get(`${jobs}/1/drain`), 404, "UpstreamServerNotFound");
});

test("a drain job is started, read, cancelled and reported by the server's address, in any spelling", async (context) => {
  const backend = await startBackend(context);
  const servers = [{ server: backend.address }, { server: "[::1]:81", backup: true }];
  const gateway = await startGateway(context, { upstreams: { app: { servers } } });
  const { api } = gateway;
  const held = ask(gateway.port, "/?delay=1500");
  await waitFor("a request is in flight", () => backend.active === 1);
  const job = await api.expect(202, "POST", byAddress(backend.address), { deadline: "1h" });
  assert.deepEqual([job.id, job.server], [0, backend.address]);
  assert.deepEqual(await api.expect(200, "GET", byAddress(backend.address)), job);
  assert.deepEqual(await api.expect(200, "GET", `${jobs}/0/drain`), job);
  await api.expect(204, "DELETE", byAddress(backend.address));
  assertErrorBody(await api.get(byAddress(backend.address)), 404, "DrainNotFound");
  await held;
  await api.expect(202, "POST", byAddress("[0::1]:081"));
  const report = await done(api, byAddress("[0:0:0:0:0:0:0:1]:81"));
  assert.deepEqual([report.id, report.server], [1, "[::1]:81"]);

  // A new server at the same address is another server, whose job takes precedence.
  const { id } = await api.expect(201, "POST", serversOf(), { server: "[::1]:81" });
  assert.deepEqual(await api.expect(200, "GET", byAddress("[::1]:81")), report);
  await api.expect(202, "POST", byAddress("[::1]:81"), { deadline: "1h" });
  await waitFor(
    "the job of the new server is done",
    async () => (await api.get(byAddress("[::1]:81"))).body.id === id,
  );
});

test("a missing, malformed or unknown address is refused", async (context) => {
  const { api } = await startGateway(context, { servers: [someAddress(1)] });
  for (const method of ["GET", "POST", "DELETE"]) {
    for (const [path, status, code] of [
      [`${jobs}/drain`, 400, "UpstreamConfFormatError"],
      [byAddress("x y"), 400, "UpstreamBadAddress"],
      [byAddress(""), 400, "UpstreamBadAddress"],
      [byAddress(someAddress(2)), 404, "UpstreamServerNotFound"],
    ]) {
      assertErrorBody(await api.send(method, path), status, code);
    }
  }
  const none = `${sluice("none")}/servers/drain?server=${someAddress(1)}`;
  assertErrorBody(await api.get(none), 404, "UpstreamNotFound");
});
