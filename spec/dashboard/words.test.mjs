/** Numbers and times as the dashboard writes them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const words = await source("model/words");

test("a duration has one unit, which is not larger than it", () => {
  const expected = {
    0: "0 s",
    59.9: "59 s",
    60: "1 min",
    3599: "59 min",
    3600: "1 h",
    172799: "47 h",
    172800: "2 days",
  };
  for (const [seconds, text] of Object.entries(expected)) assert.equal(words.duration(Number(seconds)), text);
  assert.equal(words.duration(-3), "0 s");
});

test("a countdown has minutes and seconds", () => {
  assert.equal(words.exactDuration(41.2), "42 s");
  assert.equal(words.exactDuration(65), "1:05 min");
  assert.equal(words.exactDuration(7200), "2 h");
});

test("a number has no more digits than it needs", () => {
  assert.deepEqual([0, 0.03, 3.14159, 42.4, 12345.6].map(words.number), ["0", "<0.1", "3.1", "42", "12,346"]);
  assert.deepEqual([0, 0.00001, 0.0042, 0.042, 0.42, 1].map(words.percent), [
    "0 %",
    "<0.01 %",
    "0.42 %",
    "4.2 %",
    "42 %",
    "100 %",
  ]);
  assert.deepEqual([0.4, 42, 999, 1500, 61000].map(words.milliseconds), [
    "0.4 ms",
    "42 ms",
    "999 ms",
    "1.5 s",
    "61 s",
  ]);
  assert.deepEqual([0, 999, 1500, 2e6, 3e12].map(words.bytes), [
    "0 B",
    "999 B",
    "1.5 KB",
    "2.0 MB",
    "3.0 TB",
  ]);
});

test("a noun is singular only for one", () => {
  assert.equal(words.plural(1, "server"), "1 server");
  assert.equal(words.plural(0, "server"), "0 servers");
  assert.equal(words.plural(2, "entry is", "entries are"), "2 entries are");
});

test("a moment within a text is shown as the time of day here", () => {
  const now = new Date();
  now.setMilliseconds(0);
  const text = words.withLocalTimes(`it gets no requests until ${now.toISOString()}, or later`);
  assert.equal(text, `it gets no requests until ${now.toLocaleTimeString("en-GB")}, or later`);
  assert.match(words.withLocalTimes("until 2020-01-02T12:00:00.000Z"), /^until 2020-01-0\d \d\d:\d\d:\d\d$/);
});
