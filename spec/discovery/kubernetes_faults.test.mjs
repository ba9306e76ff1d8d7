/**
 * Discovery by Kubernetes: watches and lists without a result are reported and retried at increasing
 * intervals.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDiscovery, waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { startKubernetes } from "../gateway/support/registries/kubernetes.mjs";
import { someAddress } from "../gateway/support/upstreams.mjs";

const seconds = 3;
/** Upper bound on the numbers of lists and of watches. A constant pause of 50 ms would make 60. */
const most = 16;

/** Returns the numbers of lists and watches. */
async function counts(kubernetes) {
  const all = await kubernetes.asked();
  const watches = all.filter((uri) => uri.includes("watch=true")).length;
  return { lists: all.length - watches, watches };
}

/** Returns the numbers of lists and watches in some seconds. */
async function countFor(kubernetes) {
  const before = await counts(kubernetes);
  await sleep(seconds * 1000);
  const after = await counts(kubernetes);
  return { lists: after.lists - before.lists, watches: after.watches - before.watches };
}

for (const { what, fault, error } of [
  {
    what: "a watch that opens and fails at once",
    fault: { watch: "error" },
    error: /status 500: etcdserver: no leader/,
  },
  { what: "a watch that ends at once", fault: { watch: "end" }, error: /has ended/ },
  {
    what: "a watch that ends with its Content-Length, on a connection that stays open",
    fault: { watch: "length" },
    error: /has ended/,
  },
  {
    what: "a list that is always expired",
    fault: { list: "expired" },
    error: /status 410: too old resource version/,
  },
]) {
  test(`${what} is reported as a failure, and is repeated only after a pause`, async (context) => {
    const kubernetes = await startKubernetes(context);
    await kubernetes.set([{ server: someAddress(1) }]);
    const { gateway } = await startDiscovery(context, kubernetes, { traffic: false });
    await waitForServers(gateway, [someAddress(1)]);
    await waitForState(gateway, "ok");
    await kubernetes.change({ fault });
    // An expired watch is followed by a list.
    await kubernetes.tell({ end: true, expire: fault.list !== undefined });
    const report = await waitForState(gateway, "failing");
    assert.match(report.error, error);
    const { lists, watches } = await countFor(kubernetes);
    assert.ok(lists <= most && watches <= most, `${lists} lists and ${watches} watches in ${seconds} s`);
    await waitForState(gateway, "failing");
    await waitForServers(gateway, [someAddress(1)], 0);
    await kubernetes.change({ fault: {} });
    await waitForState(gateway, "ok");
    await kubernetes.set([{ server: someAddress(1) }, { server: someAddress(2) }]);
    await waitForServers(gateway, [someAddress(1), someAddress(2)]);
    assert.equal(gateway.log.entries("warn").filter((line) => line.includes("could not follow")).length, 1);
  });
}
