/** docs/reference/events.md */
import assert from "node:assert/strict";
import { testPage } from "./support/page_test.mjs";

/** Replaces what differs from run to run in a message of the stream. @param {string} line */
const masked = (line) =>
  line
    .replace(/^id: \d+\.\d+\.[0-9a-f]+$/, "id: <id>")
    .replace(/"(number|revision)":\d+/g, '"$1":0')
    .replace(/"time":"[^"]+"/, '"time":""');

/** @param {string} text */
const linesOf = (text) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => masked(line));

testPage("docs/reference/events.md", {
  kinds: {
    stream: (scene, block, text) => assert.deepEqual(linesOf(scene.last.stdout), linesOf(text)),
  },
});
