/** Checks the body of an error of the API. */
import assert from "node:assert/strict";

/**
 * @param {import("./api.mjs").Answer} answer
 * @param {number} status
 * @param {string} code
 */
export function assertErrorBody(answer, status, code) {
  const { error } = answer.body ?? {};
  assert.deepEqual([answer.status, error?.code], [status, code], answer.text.slice(0, 500));
  assert.equal(error.status, status);
  assert.equal(typeof error.text, "string");
  assert.ok(error.text.length > 5 && error.text.length < 400, `the text: ${error.text}`);
  assert.deepEqual(Object.keys(error).toSorted(), ["code", "status", "text"]);
  // A change of many upstreams lists all problems.
  const members = Object.keys(answer.body).filter((name) => name !== "problems");
  assert.deepEqual(members.toSorted(), ["error", "href", "request_id"]);
  assert.match(answer.body.request_id, /^[0-9a-f]{32}$/);
  assert.match(answer.body.href, /^https?:\/\//);
  assert.match(answer.headers["content-type"] ?? "", /^application\/json\b/);
}
