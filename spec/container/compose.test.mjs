/** Tests the demo of docker-compose.yml: servers that register themselves, and one that is added by hand. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { APP_IMAGE } from "../../scripts/docker/images.mjs";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { StartedContainer } from "../gateway/support/drivers/test_container.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { composeProblem, startCompose } from "./support/compose.mjs";
import { containerTest } from "./support/image.mjs";

/**
 * Upper bound on the time until a killed server is removed: its lease, and the confirmations of the removal.
 */
const patience = 20_000;

/**
 * Returns the names of the servers that answer. Sends enough requests to reach each of them.
 * @param {number} port
 */
async function serversAt(port) {
  const names = new Set();
  for (let turn = 0; turn < 40; turn += 1) {
    // A gateway that is just starting resets connections.
    const { status, text } = await ask(port).catch(() => ({ status: 0, text: "" }));
    if (status === 200) names.add(text.split(":")[0]);
  }
  return names;
}

/** @param {number} port @param {number} count */
async function waitForCount(port, count) {
  await waitFor(`${count} servers answer`, async () => (await serversAt(port)).size === count, patience);
}

containerTest(
  "docker compose up: servers register themselves, and leave",
  async (context) => {
    const compose = await startCompose(context);
    await waitForCount(compose.port, 3);
    compose.run("up", "--detach", "--no-recreate", "--scale", "app=5");
    await waitForCount(compose.port, 5);
    const api = compose.api();
    const registered = (what, count) =>
      waitFor(what, async () => (await api.expect(200, "GET", serversOf())).length === count, patience);
    assert.equal((await api.expect(200, "GET", serversOf())).length, 5);

    const load = startLoad(context, { port: compose.port, connections: 4 });
    const [stopped, killed] = compose.containersOf("app");
    spawnSync("docker", ["stop", stopped]);
    await registered("the stopped server has left", 4);
    await load.round();
    assert.deepEqual([...load.errors], [], "no request fails when a server stops");
    spawnSync("docker", ["kill", killed]);
    await registered("the lease of the killed server has ended", 3);
    await load.stop();
    assert.deepEqual(
      [...load.errors],
      [],
      "no request fails when a server is killed, because the gateway tries another one",
    );
  },
  composeProblem,
);

containerTest(
  "docker compose up: servers are followed by their labels, and an upstream can change to them",
  async (context) => {
    const compose = await startCompose(context);
    await waitForCount(compose.port, 3);
    const api = compose.api();
    const followed = (count, upstream) =>
      waitFor(
        `${upstream} has ${count} servers`,
        async () => (await api.expect(200, "GET", serversOf(upstream))).length === count,
        patience,
      );
    await followed(3, "labelled");
    compose.run("up", "--detach", "--no-recreate", "--scale", "app=4");
    await followed(4, "labelled");
    await followed(4, "app");

    const load = startLoad(context, { port: compose.port, connections: 4 });
    const { discovery } = await api.expect(200, "GET", sluice("labelled"));
    await api.expect(200, "PATCH", sluice("app"), { discovery });
    compose.run("stop", "etcd");
    spawnSync("docker", ["kill", compose.containersOf("app")[0]]);
    await followed(3, "app");
    await load.round();
    await load.stop();
    assert.deepEqual([...load.errors], [], "no request fails");

    for (const [request, status] of [
      ["GET /v1.41/containers/json", "200"],
      ["POST /v1.41/containers/json", "403"],
      ["POST /v1.41/containers/create", "403"],
      ["GET /v1.41/images/json", "403"],
      ["GET /v1.41/containers/json/../../images/json", "403"],
      ["GET /v1.41/containers/x/json", "403"],
    ]) {
      const ask = `exec 3<>/dev/tcp/engine/2375; printf '${request} HTTP/1.0\\r\\n\\r\\n' >&3; head -n 1 <&3`;
      const line = compose.run("exec", "-T", "gateway", "bash", "-c", ask);
      assert.match(line, new RegExp(`^HTTP/1\\.\\d ${status} `), request);
    }
  },
  composeProblem,
);

containerTest(
  "docker compose up: a server that is added by hand is kept in a restart of the gateway",
  async (context) => {
    const compose = await startCompose(context);
    await waitForCount(compose.port, 3);
    const mine = await StartedContainer.start(APP_IMAGE, (container) =>
      container.withNetworkMode(`${compose.project}_default`),
    );
    atEnd(context, () => mine.remove());
    const { NetworkSettings } = await mine.handle.inspect();
    const { IPAddress } = NetworkSettings.Networks[`${compose.project}_default`];
    await compose.api().expect(201, "POST", serversOf(), { server: `${IPAddress}:8000` });
    await waitForCount(compose.port, 4);
    compose.run("restart", "gateway");
    await waitForCount(compose.port, 4);
  },
  composeProblem,
);
