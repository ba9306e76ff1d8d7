/**
 * Round robin and the counting of failures beside nginx's own upstream. The promises are those that nginx's
 * public suite asserts in `upstream.t` and `upstream_zone.t`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "../support/load.mjs";
import { bothKinds, countsOf, repeated, sequenceOf, startNamed, startTwins } from "../support/twins.mjs";

/**
 * Starts two servers, of which the first one resets each third request, for each kind of upstream anew.
 * @param {import("node:test").TestContext} context
 */
async function startFailing(context) {
  const [a, b] = await startNamed(context, 2);
  // A fail_timeout of more than a busy machine needs for all requests.
  const limits = { max_fails: 3, fail_timeout: "60s" };
  const servers = [a, b].map(({ address }) => ({ server: address, ...limits }));
  const gateway = await startTwins(context, { app: { servers } });
  let turn = 0;
  a.server.prependListener("request", () => {
    turn += 1;
    a.behaviour = turn % 3 === 0 ? { reset: 1 } : {};
  });
  const restart = () => (turn = 0);
  return { gateway, restart };
}

test("two equal servers have requests in turn, and each has half of them", async (context) => {
  const servers = (await startNamed(context, 2)).map(({ address }) => ({ server: address }));
  const gateway = await startTwins(context, { app: { servers } });
  const answers = await bothKinds("app", (path) => sequenceOf(gateway, repeated(`${path}/`, 30)));
  assert.deepEqual(countsOf(answers), { a: 15, b: 15 });
});

test("a server is out of the rotation after max_fails failures, between which it has answered others", async (context) => {
  const { gateway, restart } = await startFailing(context);
  const counts = await bothKinds("app", async (path) => {
    restart();
    return countsOf(await sequenceOf(gateway, repeated(`${path}/`, 30)));
  });
  // Of its first nine requests it fails three, which the other server answers instead.
  assert.deepEqual(counts, { a: 6, b: 24 });
});

test("after a retry, the server that answered has had its turn, and with nginx it is next again", async (context) => {
  const [a, b] = await startNamed(context, 2);
  const servers = [a, b].map(({ address }) => ({ server: address, max_fails: 0 }));
  const gateway = await startTwins(context, { app: { servers } });
  const orderOf = async (/** @type {string} */ path) => {
    const before = await sequenceOf(gateway, repeated(path, 2));
    a.behaviour = { reset: 1 };
    const [retried] = await sequenceOf(gateway, [path]);
    a.behaviour = {};
    return [...before, retried, ...(await sequenceOf(gateway, repeated(path, 4)))].join("");
  };
  // docs/comparison.md names the difference. Both servers have the same number of requests with Sluice.
  assert.equal(await orderOf("/native/app/"), "abbbaba");
  assert.equal(await orderOf("/sluice/app/"), "abbabab");
});

test("failures add up although answers succeed in other seconds between them", async (context) => {
  const { gateway, restart } = await startFailing(context);
  const counts = await bothKinds("app", async (path) => {
    restart();
    const some = [];
    for (let number = 0; number < 24; number += 1) {
      some.push(...(await sequenceOf(gateway, [`${path}/`])));
      // Seconds pass between the failures; more are not needed once the server is out of the rotation.
      if (number < 18) await sleep(150);
    }
    return countsOf(some);
  });
  assert.deepEqual(counts, { a: 6, b: 18 });
});

test("$upstream_addr is the address that answered; when no server is left, only nginx's own has a name in it", async (context) => {
  const [a, bad] = await startNamed(context, 2);
  bad.behaviour = { reset: 1 };
  const gateway = await startTwins(context, {
    one: { servers: [{ server: a.address }] },
    busy: {
      servers: [
        { server: bad.address, max_fails: 0 },
        { server: "127.0.0.1:9", fail_timeout: "60s" },
      ],
    },
    none: {
      servers: [
        { server: a.address, down: true },
        { server: "127.0.0.2:9", backup: true, down: true },
      ],
    },
  });
  const addresses = async (/** @type {string} */ path) => {
    const { status, headers } = await ask(gateway.port, path);
    return [status, headers["x-addresses"]];
  };
  assert.deepEqual(await bothKinds("one", (path) => addresses(`${path}/`)), [200, a.address]);
  // docs/comparison.md names the difference.
  assert.deepEqual(await addresses("/native/none/"), [502, "native_none"]);
  assert.deepEqual(await addresses("/sluice/none/"), [502, undefined]);
  // One of the two servers is unavailable after its first failure.
  await bothKinds("busy", async (path) => (await addresses(`${path}/`))[0]);
  assert.deepEqual(await addresses("/native/busy/"), [502, `${bad.address}, native_busy`]);
  assert.deepEqual(await addresses("/sluice/busy/"), [502, `${bad.address}, ${bad.address}`]);
});

test("of two primary servers that are down, requests go to the backups in turn", async (context) => {
  const [a, b, c, d] = (await startNamed(context, 4)).map(({ address }) => ({ server: address }));
  const gateway = await startTwins(context, {
    app: {
      servers: [
        { ...a, down: true },
        { ...b, down: true },
        { ...c, backup: true },
        { ...d, backup: true },
      ],
    },
    failing: {
      servers: [
        { server: "127.0.0.1:9", max_fails: 1 },
        { ...c, backup: true },
        { ...d, backup: true },
      ],
    },
  });
  const answers = await bothKinds("app", (path) => sequenceOf(gateway, repeated(`${path}/`, 8)));
  assert.deepEqual(countsOf(answers), { c: 4, d: 4 });
  const others = await bothKinds("failing", (path) => sequenceOf(gateway, repeated(`${path}/`, 8)));
  assert.deepEqual(countsOf(others), { c: 4, d: 4 });
});
