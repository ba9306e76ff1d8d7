/** Many upstreams follow one registry. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { waitForServers } from "../gateway/support/discovery.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { portOf, startEtcd } from "../gateway/support/registries/etcd.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { connectionsTo, watchesOf } from "../gateway/support/watches.mjs";

const UPSTREAMS = 500;
const SERVERS = 10;
const IDLE_SECONDS = 5;
/** Percent of a core. */
const MOST_CPU = 2;

const names = Array.from({ length: UPSTREAMS }, (_, number) => `u${number}`);
const addressesOf = (/** @type {string} */ name) =>
  Array.from({ length: SERVERS }, (_, number) => someAddress(Number(name.slice(1)) * SERVERS + number));

/**
 * Returns the CPU time of processes in milliseconds. The kernel counts nanoseconds.
 * @param {number[]} pids
 */
function cpuOf(pids) {
  const nanoseconds = pids.map((pid) => Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]));
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}

test(`${UPSTREAMS * SERVERS} servers of ${UPSTREAMS} upstreams use one watch, and each change affects one upstream`, async (context) => {
  const etcd = await startEtcd(context);
  const [member] = etcd.members;
  for (const name of names) {
    await etcd.set(
      addressesOf(name).map((server) => ({ server })),
      name,
    );
  }
  const seeds = names.map((name) => [name, { discovery: etcd.discovery(name) }]);
  const gateway = await startGateway(context, {
    upstreams: Object.fromEntries(seeds),
    dict: "32m",
    http: "lua_socket_log_errors off;",
  });
  const { api } = gateway;
  const started = performance.now();
  const readAll = () => api.expect(200, "GET", "/api/9/http/upstreams?fields=peers");
  await waitFor(
    "all servers are there",
    async () => Object.values(await readAll()).every(({ peers }) => peers.length === SERVERS),
    60_000,
  );
  context.diagnostic(
    `all servers exist ${((performance.now() - started) / 1000).toFixed(1)} s after the start`,
  );
  for (const name of ["u0", "u250", "u499"]) await waitForServers(gateway, addressesOf(name), 0, name);
  await waitFor("there is one watch", async () => {
    const { watchers, streams } = await watchesOf(member);
    return watchers === 1 && streams === 1;
  });
  assert.ok(
    connectionsTo(gateway.workers(), portOf(member)) <= 2,
    "there is one more connection, for questions",
  );

  const pids = gateway.workers();
  const before = cpuOf(pids);
  await sleep(IDLE_SECONDS * 1000);
  const percent = (cpuOf(pids) - before) / (IDLE_SECONDS * 10);
  context.diagnostic(
    `a watch of ${UPSTREAMS} prefixes takes ${percent.toFixed(2)} % of a core without changes`,
  );
  assert.ok(percent < MOST_CPU, `${percent.toFixed(2)} % of a core`);

  const tagsOf = async () => {
    const answers = [];
    for (const name of names) answers.push([name, (await api.get(sluice(name))).headers.etag]);
    return new Map(answers);
  };
  // Every upstream is followed.
  for (const name of ["u0", "u42", "u499"]) {
    const added = someAddress(1_000_000);
    await etcd.put(`/upstreams/${name}/${added}`, added);
    await waitForServers(gateway, [...addressesOf(name), added], undefined, name);
    await etcd.remove(`/upstreams/${name}/${added}`);
    await waitForServers(gateway, addressesOf(name), undefined, name);
  }
  const tags = await tagsOf();
  const changed = addressesOf("u7").slice(1);
  await etcd.remove(`/upstreams/u7/${addressesOf("u7")[0]}`);
  await waitForServers(gateway, changed, undefined, "u7");
  // Enough time for several periodic checks for changes.
  await sleep(1000);
  const after = await tagsOf();
  assert.deepEqual(
    names.filter((name) => after.get(name) !== tags.get(name)),
    ["u7"],
  );
  assert.deepEqual(
    (await api.expect(200, "GET", serversOf("u8"))).map(({ server }) => server),
    addressesOf("u8"),
  );
});
