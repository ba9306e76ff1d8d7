/** How the dashboard reads the event stream, long answers and its own URL, and how it orders rows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { StreamReader } = await source("api/sse");
const { ListReader } = await source("api/list_reader");
const { routeOf, serverHash, upstreamHash } = await source("model/route");
const { compareServers, compareUpstreams, giveRanks } = await source("model/order");
const { NO_FIGURES } = await source("model/figures");

/** @param {string} text @param {number} size of a piece */
function* pieces(text, size) {
  for (let from = 0; from < text.length; from += size) yield text.slice(from, from + size);
}

test("events are read from pieces of any size", () => {
  const text =
    'retry: 1000\n: hello\n\nid: 1.2\nevent: state\ndata: {"a":\ndata: 1}\n\n: beat\n\nid:3.2\r\ndata:x\r\n\r\nid: 4.2\n\nevent: state\nda';
  const expected = [
    { id: "1.2", event: "state", data: '{"a":\n1}' },
    { id: "3.2", event: "message", data: "x" },
    { id: "4.2", event: "message", data: "" },
  ];
  for (let size = 1; size <= text.length; size++) {
    const events = [];
    const reader = new StreamReader((event) => events.push(event));
    for (const piece of pieces(text, size)) reader.push(piece);
    assert.deepEqual(events, expected, `pieces of ${size}`);
  }
});

test("a long list is read from pieces of any size as JSON.parse reads it", () => {
  const tricky = {
    text: 'a "quoted" ] } , \\ "servers":[',
    nested: [[{ b: [] }], {}],
    n: -1.5e3,
    none: null,
  };
  for (const list of [[], [tricky], [tricky, { id: 2 }, tricky]]) {
    for (const object of [{ head: tricky, servers: list, tail: [1] }, { servers: list }, { tail: tricky }]) {
      const text = JSON.stringify(object);
      for (let size = 1; size <= text.length; size++) {
        const reader = new ListReader("servers");
        for (const piece of pieces(text, size)) reader.push(piece);
        assert.deepEqual(reader.end(), object, `${text} in pieces of ${size}`);
      }
    }
  }
});

test("an answer that breaks off is an error", () => {
  for (const text of [
    '{"servers":[{"id":1},{"id"',
    '{"servers":[{"id":1}',
    '{"servers":[{"id":1}]',
    '{"ser',
  ]) {
    const reader = new ListReader("servers");
    reader.push(text);
    assert.throws(() => reader.end(), SyntaxError, text);
  }
});

test("a link leads to the view that it was made for", () => {
  for (const name of ["app", "a b", "a/b", "ü", "50%"]) {
    assert.deepEqual(routeOf(upstreamHash(name)), {
      view: "upstream",
      name,
      tab: "servers",
      server: undefined,
    });
    assert.deepEqual(routeOf(upstreamHash(name, "explain")), {
      view: "upstream",
      name,
      tab: "explain",
      server: undefined,
    });
    assert.deepEqual(routeOf(serverHash(name, 7)), { view: "upstream", name, tab: "servers", server: 7 });
  }
  for (const hash of ["", "#", "#/", "#/x/app", "#/u/"])
    assert.deepEqual(routeOf(hash), { view: "overview" });
  assert.equal(routeOf("#/u/%zz").name, "%zz");
});

/** @param {string} name @param {string} severity @param {object} states @param {number} [rate] */
const upstream = (name, severity, states, rate = 0) => ({
  summary: { name, states, active: 0 },
  figures: { ...NO_FIGURES, rate },
  percentiles: { p50: undefined, p99: undefined },
  severity,
  rank: 0,
});

test("the worst upstream comes first, and equal ones follow their names", () => {
  const rows = [
    upstream("web-10", "ok", { up: 2 }),
    upstream("web-2", "ok", { up: 1, down: 1 }),
    upstream("half", "warning", { up: 1, unhealthy: 1 }),
    upstream("most", "warning", { up: 1, unhealthy: 3 }),
    upstream("none", "critical", { unhealthy: 1 }),
  ];
  giveRanks(rows, ({ summary }) => summary.name);
  const names = (sort) => [...rows].sort(compareUpstreams(sort)).map(({ summary }) => summary.name);
  assert.deepEqual(names({ column: "state", isDescending: false }), [
    "none",
    "most",
    "half",
    "web-2",
    "web-10",
  ]);
  assert.deepEqual(names({ column: "name", isDescending: true }), [
    "web-10",
    "web-2",
    "none",
    "most",
    "half",
  ]);
  assert.equal(names({ column: "servers", isDescending: true })[0], "most");
});

test("servers are ordered by state, then by address as a number", () => {
  const rows = ["10.0.0.10:80", "10.0.0.9:80", "10.0.0.1:80"].map((server, id) => ({
    status: { server, state: id === 0 ? "unhealthy" : "up", weight: { effective: 1 } },
    figures: NO_FIGURES,
    percentiles: { p50: id, p99: id },
    rank: 0,
  }));
  giveRanks(rows, ({ status }) => status.server);
  const order = (column, isDescending = false) =>
    [...rows].sort(compareServers({ column, isDescending })).map(({ status }) => status.server);
  assert.deepEqual(order("state"), ["10.0.0.10:80", "10.0.0.1:80", "10.0.0.9:80"]);
  assert.deepEqual(order("server"), ["10.0.0.1:80", "10.0.0.9:80", "10.0.0.10:80"]);
  assert.deepEqual(order("p99", true)[0], "10.0.0.1:80");
});
