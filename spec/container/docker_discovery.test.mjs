/** The upstream of the image follows the labels of real containers, over the socket of the real engine. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { APP_IMAGE } from "../../scripts/docker/images.mjs";
import { docker, engineSocket } from "../../scripts/docker/engine.mjs";
import { atEnd, atExit } from "../gateway/support/cleanup.mjs";
import { discoveryOf } from "../gateway/support/discovery.mjs";
import { ask } from "../gateway/support/load.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { containerTest, fileWith, startImage } from "./support/image.mjs";

/** The engine's socket. */
const socket = engineSocket();
const LABEL = "angie.http.upstreams.app.port=8000";

const socketProblem = () =>
  socket.startsWith("/") ? undefined : `the engine is not at a unix socket: ${socket}`;

/** Makes a network that ends with the test. @param {import("node:test").TestContext} context */
function makeNetwork(context, /** @type {string} */ suffix) {
  const name = `sluice-test-${process.pid}-${suffix}`;
  docker("network", "create", name);
  const remove = () => docker("network", "rm", name);
  const cancel = atExit(remove);
  atEnd(context, () => {
    remove();
    cancel();
  });
  return name;
}

/**
 * Starts a container of the demo application, which is removed with the test.
 * @param {import("node:test").TestContext} context
 * @param {string[]} options of `docker run`
 * @returns {string} its id
 */
function startApp(context, ...options) {
  const id = docker("run", "--detach", ...options, APP_IMAGE);
  const remove = () => docker("rm", "--force", "--volumes", id);
  const cancel = atExit(remove);
  atEnd(context, () => {
    remove();
    cancel();
  });
  return id;
}

/** @param {string} id @param {string} network */
function addressIn(id, network) {
  return `${docker("inspect", "--format", `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, id)}:8000`;
}

/** @param {import("node:test").TestContext} context @param {object} [options] of `discovery.docker` */
async function startFollower(context, options = {}) {
  const discovery = { docker: { endpoint: "unix:/engine.sock", ...options } };
  const upstreams = fileWith(context, JSON.stringify({ app: { discovery } }));
  return startImage(context, {
    files: { "/etc/sluice/upstreams.json": upstreams, "/engine.sock": socket },
    // The image's user must be allowed to use the socket.
    hostConfig: { GroupAdd: [String(statSync(socket).gid)] },
  });
}

/**
 * Waits until the upstream has exactly these servers, of which some may be down.
 * @param {import("../gateway/support/api.mjs").Api} api
 * @param {string[]} addresses
 * @param {string[]} down
 */
async function waitForServers(api, addresses, down = []) {
  let servers = [];
  const wanted = JSON.stringify(addresses.toSorted());
  await waitFor(
    `the servers are ${wanted}`,
    async () => {
      servers = await api.expect(200, "GET", serversOf());
      const found = servers.map(({ server }) => server).toSorted();
      const isDown = servers.filter(({ down: flag }) => flag).map(({ server }) => server);
      return JSON.stringify(found) === wanted && JSON.stringify(isDown) === JSON.stringify(down);
    },
    20_000,
  ).catch((error) => {
    error.message += `; they are ${JSON.stringify(servers)}`;
    throw error;
  });
}

containerTest(
  "docker: containers that start, pause, stop and die are followed",
  async (context) => {
    const network = makeNetwork(context, "one");
    const labels = ["--network", network, "--label", LABEL];
    const first = startApp(context, ...labels);
    startApp(context, "--network", network);
    const gateway = await startFollower(context);
    const api = await gateway.api();
    const addresses = [addressIn(first, network)];
    await waitForServers(api, addresses);
    const { status, text } = await ask(gateway.port);
    assert.equal(status, 200);
    assert.ok(text.startsWith(first.slice(0, 12)), text);

    const second = startApp(context, ...labels, "--label", "sluice.http.upstreams.app.weight=3");
    const third = startApp(context, ...labels);
    const [two, three] = [second, third].map((id) => addressIn(id, network));
    await waitForServers(api, [...addresses, two, three]);
    const servers = await api.expect(200, "GET", serversOf());
    assert.equal(servers.find(({ server }) => server === two).weight, 3);

    docker("pause", second);
    await waitForServers(api, [...addresses, two, three], [two]);
    docker("unpause", second);
    await waitForServers(api, [...addresses, two, three]);
    docker("kill", third);
    await waitForServers(api, [...addresses, two]);
    docker("stop", second);
    await waitForServers(api, addresses);
    docker("start", third);
    await waitForServers(api, [...addresses, addressIn(third, network)]);
    const { state, skipped } = await discoveryOf(api);
    assert.deepEqual([state, skipped], ["ok", []]);
  },
  socketProblem,
);

containerTest(
  "docker: a container that changes its network is followed to its new address",
  async (context) => {
    const [one, other] = [makeNetwork(context, "one"), makeNetwork(context, "other")];
    const [moving, staying] = [1, 2].map(() => startApp(context, "--network", one, "--label", LABEL));
    const gateway = await startFollower(context);
    const api = await gateway.api();
    const stays = addressIn(staying, one);
    await waitForServers(api, [stays, addressIn(moving, one)]);
    docker("network", "connect", other, moving);
    await waitForServers(api, [stays]);
    const { skipped } = await discoveryOf(api);
    assert.match(skipped[0].reason, /the container is in the networks ".*-one", ".*-other"/);
    docker("network", "disconnect", one, moving);
    await waitForServers(api, [stays, addressIn(moving, other)]);
  },
  socketProblem,
);

containerTest(
  "docker: a container gets requests once its health check succeeds, and as long as it does",
  async (context) => {
    const network = makeNetwork(context, "one");
    const check = ["--health-interval", "1s", "--health-retries", "1", "--health-cmd", "test -e /tmp/well"];
    const first = startApp(context, "--network", network, "--label", LABEL);
    const gateway = await startFollower(context, { network });
    const api = await gateway.api();
    const stays = addressIn(first, network);
    await waitForServers(api, [stays]);
    const checked = startApp(context, "--network", network, "--label", LABEL, ...check);
    const skipped = () =>
      waitFor("the container is skipped", async () => {
        const [found] = (await discoveryOf(api)).skipped;
        return found?.reason === "the container is unhealthy";
      });
    await skipped();
    await waitForServers(api, [stays]);
    docker("exec", checked, "touch", "/tmp/well");
    await waitForServers(api, [stays, addressIn(checked, network)]);
    docker("exec", checked, "rm", "/tmp/well");
    await skipped();
    await waitForServers(api, [stays]);
  },
  socketProblem,
);
