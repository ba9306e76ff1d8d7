/** Checks that the tests of blocks can fail: wrong pages are refused, each with the reason. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertStatuses, testOf } from "./support/blocks.mjs";
import { differenceOf } from "./support/compare.mjs";
import { framed, isWholeConf, runnableConf } from "./support/nginx_conf.mjs";

/**
 * The JSON on a page, the JSON of an answer, and the difference that must be found.
 * @type {[unknown, unknown, RegExp?][]}
 */
const pairs = [
  [{ id: 1 }, { id: 1, server: "a" }],
  [{ id: 1 }, { id: 2 }, /^the answer\.id is 1 on the page, but 2$/],
  [{ id: 1 }, { id: "1" }, /^the answer\.id is number on the page, but "1"$/],
  [{ server: "a" }, {}, /^the answer\.server is string on the page, but undefined$/],
  [[{ id: 0 }], [{ id: 0 }, { id: 1 }]],
  [[1, 2], [1], /^the answer has 1 elements, not 2$/],
  [[{ id: 0 }], {}, /^the answer is a list on the page, but \{\}$/],
  [{ time: "2026-01-01T00:00:00.000Z" }, { time: "2027-01-01T00:00:00.000Z" }],
  [{ time: "2026-01-01T00:00:00.000Z" }, { time: 1 }, /time is string/],
  [{ reason: "status …" }, { reason: "status 503" }],
  [{ reason: "status …" }, { reason: "no answer" }, /reason is/],
  [{ deep: { er: null } }, { deep: { er: 0 } }, /^the answer\.deep\.er is null on the page, but 0$/],
];

for (const [shown, actual, difference] of pairs)
  test(`${JSON.stringify(shown)} on a page is compared with the answer ${JSON.stringify(actual)}`, () => {
    const found = differenceOf(shown, actual);
    if (difference === undefined) assert.equal(found, undefined);
    else assert.match(found ?? "", difference);
  });

test("a block that no rule covers has no test", () => {
  const block = { page: "x.md", line: 1, text: "" };
  for (const [language, words] of [
    ["", []],
    ["python", []],
    ["nginx", ["everywhere"]],
    ["json", ["upstreams"]],
    ["sh", ["container"]],
  ])
    assert.equal(testOf({ ...block, language, words }, {}), undefined, `${language} ${words.join(" ")}`);
  assert.notEqual(
    testOf({ ...block, language: "json", words: ["webhook"] }, { webhook: () => {} }),
    undefined,
  );
});

test("an answer must have a status of 2xx or a status in the comment of its command", () => {
  const text = "curl a\ncurl b # add: 201\ncurl \\\n  c # 409, or 404\n";
  const check = (line, status) =>
    assertStatuses(text, { ok: true, stdout: "", stderr: "", answers: [{ line, status }] });
  for (const [line, status] of [
    [1, 200],
    [1, 204],
    [2, 201],
    [3, 409],
    [4, 404],
  ])
    check(line, status);
  for (const [line, status] of [
    [1, 404],
    [2, 200],
    [3, 200],
    [4, 500],
  ])
    assert.throws(() => check(line, status), new RegExp(`was answered with ${status}`));
});

test("a whole nginx.conf is recognized by its http block, and a part must name its level", () => {
  assert.equal(isWholeConf("events {}\nhttp {\n}\n"), true);
  assert.equal(isWholeConf("location / { }\n"), false);
  assert.throws(
    () => framed("location / { }", undefined, ""),
    /one of main, http, upstream, server, location/,
  );
  const conf = runnableConf('user www;\nerror_log logs/a;\nhttp {\n  lua_package_path "/x/?.lua;;";\n}\n', {
    folder: "/f",
    workerCount: 2,
  });
  assert.doesNotMatch(conf, /www|logs\/a|\/x\//);
  assert.match(conf, /worker_processes 2;/);
});
