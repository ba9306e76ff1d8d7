/** Compares the counters of a server in the API with its own record. */
import assert from "node:assert/strict";

/** @param {import("./backend.mjs").Backend} backend the server whose statuses are counted as in the API */
function responsesOf(backend) {
  const codes = {};
  const classes = { "1xx": 0, "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0 };
  for (const { status } of backend.requests) {
    codes[status] = (codes[status] ?? 0) + 1;
    classes[`${Math.floor(status / 100)}xx`] += 1;
  }
  return { ...classes, codes, total: backend.requests.length };
}

/**
 * Asserts that the API's counters equal the server's own, to the byte.
 * @param {any} peer
 * @param {import("./backend.mjs").Backend} backend
 */
export function assertTrue(peer, backend) {
  const { read, written } = backend.bytes();
  assert.equal(peer.requests, backend.requests.length, "requests");
  assert.deepEqual(peer.responses, responsesOf(backend));
  assert.equal(peer.sent, read, "sent: the bytes that the server has read");
  assert.equal(peer.received, written, "received: the bytes that the server has written");
}
