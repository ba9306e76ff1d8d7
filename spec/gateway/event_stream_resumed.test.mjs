/** A client of the event stream that connects again misses nothing, or learns that it has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesIn, follow } from "./support/event_stream.mjs";
import { startGateway } from "./support/gateway.mjs";
import { useWorkers } from "./support/nginx.mjs";
import { serversOf, sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

useWorkers(4);

/** @typedef {import("./support/event_stream.mjs").EventStream} EventStream */
/** @typedef {import("./support/gateway.mjs").Gateway} Gateway */

/**
 * Changes an upstream with one server many times, each time with a new state of the server.
 * @param {Gateway} gateway
 * @param {number} count
 */
async function makeStates({ api }, count) {
  for (let number = 0; number < count; number += 1) {
    const state = number % 2 === 0 ? "down" : "up";
    await api.expect(204, "POST", `${sluice()}/servers/0/report`, { state });
  }
}

let weight = 2;

/** @param {Gateway} gateway @param {number} count @param {string} [name] */
async function makeChanges({ api }, count, name = "app") {
  for (let number = 0; number < count; number += 1) {
    weight = 1 + (weight % 100);
    await api.expect(200, "PATCH", `${serversOf(name)}/0`, { weight });
  }
}

/** @param {import("node:test").TestContext} context */
function startTwo(context) {
  const servers = [{ server: someAddress(1) }];
  return startGateway(context, { upstreams: { app: { servers }, other: { servers } } });
}

/** @param {EventStream[]} streams */
const idsOf = (...streams) => streams.flatMap(({ messages }) => messages.map(({ id }) => id));

/** @param {EventStream} stream @param {number} count */
const has = (stream, count) => waitFor(`${count} messages`, () => stream.messages.length >= count);

test("a client that connects again with the last id misses nothing and receives nothing twice", async (context) => {
  const gateway = await startTwo(context);
  const whole = await follow(context, gateway);
  let cut = await follow(context, gateway);
  /** @type {string[]} */
  const ids = [];
  for (let turn = 0; turn < 6; turn += 1) {
    await makeStates(gateway, 4);
    await has(cut, 1);
    cut.leave();
    await makeStates(gateway, 4);
    await makeChanges(gateway, 3);
    if (turn === 3) await gateway.reload();
    ids.push(...idsOf(cut));
    const { lastId } = cut;
    cut =
      turn % 2 === 0
        ? await follow(context, gateway, "?last=7", { "Last-Event-ID": lastId })
        : await follow(context, gateway, `?since=${lastId}&last=7`);
  }
  // The reload has ended the stream that was never cut.
  const rest = await follow(context, gateway, "", { "Last-Event-ID": whole.lastId });
  const total = 6 * (8 + 3);
  await waitFor("all messages", () => ids.length + cut.messages.length >= total);
  await waitFor("all messages", () => whole.messages.length + rest.messages.length >= total);
  assert.deepEqual([...ids, ...idsOf(cut)], idsOf(whole, rest));
  assert.equal(new Set(idsOf(whole, rest)).size, total);
});

test("a client without a message yet also misses nothing when it connects again", async (context) => {
  const gateway = await startTwo(context);
  const stream = await follow(context, gateway);
  stream.leave();
  await makeChanges(gateway, 2);
  const again = await follow(context, gateway, "", { "Last-Event-ID": stream.lastId });
  await has(again, 2);
});

test("an event follows the change that caused it, also when both are sent later", async (context) => {
  const gateway = await startTwo(context);
  const before = await follow(context, gateway);
  const { lastId } = before;
  for (let turn = 0; turn < 5; turn += 1) {
    await makeChanges(gateway, 1);
    await makeStates(gateway, 2);
  }
  const after = await follow(context, gateway, `?since=${lastId}`);
  await has(before, 15);
  await has(after, 15);
  const expected = Array.from({ length: 5 }, () => ["change", "state", "state"]).flat();
  for (const { messages } of [before, after])
    assert.deepEqual(
      messages.map(({ event }) => event),
      expected,
    );
  assert.deepEqual(idsOf(before), idsOf(after));
});

test("a stream can begin with the last messages that it wants", async (context) => {
  const gateway = await startTwo(context);
  await makeChanges(gateway, 3);
  await makeStates(gateway, 4);
  await makeChanges(gateway, 5, "other");
  for (const [query, expected] of /** @type {[string, string[]][]} */ ([
    ["?last=2", ["change other", "change other"]],
    ["?last=7", ["state app", "state app", ...Array(5).fill("change other")]],
    ["?last=2&kind=state", ["state app", "state app"]],
    ["?last=5&upstream=app", ["change app", ...Array(4).fill("state app")]],
    ["?last=2000&kind=decision", []],
    ["?last=0", []],
  ])) {
    const stream = await follow(context, gateway, query);
    await has(stream, expected.length);
    const last = stream.messages.length;
    assert.deepEqual(
      stream.messages.map(({ event, data }) => `${event} ${data.upstream}`),
      expected,
      query,
    );
    stream.leave();
    assert.equal(last, expected.length);
  }
});

test("a client that has missed more than the last 1,000 events and changes learns that first", async (context) => {
  const gateway = await startTwo(context);
  const stream = await follow(context, gateway);
  const { lastId } = stream;
  stream.leave();
  await makeStates(gateway, 1010);
  const events = await follow(context, gateway, `?since=${lastId}`);
  await has(events, 1001);
  const [{ event, data }, first] = events.messages;
  assert.deepEqual([event, data], ["lost", { reason: "10 events and 0 changes are no longer kept" }]);
  assert.equal(first.data.number, 11);
  assert.equal(events.messages.at(-1)?.data.number, 1010);
  events.leave();

  await makeChanges(gateway, 1001);
  const filtered = await follow(context, gateway, `?since=${events.lastId}&upstream=other`);
  await has(filtered, 1);
  assert.deepEqual(filtered.messages[0].data, { reason: "0 events and 1 change are no longer kept" });
  const changes = await follow(context, gateway, `?since=${events.lastId}`);
  await has(changes, 1001);
  const revisions = changesIn(changes).map(({ revision }) => revision);
  assert.equal(revisions.length, 1000);
  assert.equal(revisions[999] - revisions[0], 999);
});

test("a client that connects again after a restart learns that and receives what has happened since", async (context) => {
  const gateway = await startTwo(context);
  const stream = await follow(context, gateway);
  await makeStates(gateway, 2);
  await has(stream, 2);
  await gateway.stop();
  await gateway.start();
  // As many events as before.
  await makeStates(gateway, 3);
  await makeChanges(gateway, 1);
  const again = await follow(context, gateway, "", { "Last-Event-ID": stream.lastId });
  await has(again, 5);
  const [{ event, data }, ...others] = again.messages;
  assert.equal(event, "lost");
  assert.match(data.reason, /^nginx has been restarted since/);
  assert.deepEqual(
    others.map((message) => message.event),
    ["state", "state", "state", "change"],
  );
});
