/** The messages that a user sees when nginx refuses to start. */
import assert from "node:assert/strict";

/**
 * Starts a gateway that must refuse to start, with an exit code and one clear message.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {RegExp} reason must match the message
 */
export async function assertRefusesToStart(gateway, reason) {
  const { code, complaint } = await gateway.startInVain();
  assert.ok(code !== null && code > 0, `nginx ended with ${code}`);
  assertOneClearLine(complaint.split("\n"), reason);
  gateway.log.allow(reason);
}

/**
 * Asserts that of some lines exactly one is a complaint of nginx's, and says why. The Lua traceback that
 * lua-nginx-module adds below it is not counted; a reason that is itself a traceback's line is none.
 * @param {string[]} lines
 * @param {RegExp} reason
 */
export function assertOneClearLine(lines, reason) {
  const complaints = lines.filter((line) => /\[(error|crit|alert|emerg)\]/.test(line));
  assert.equal(complaints.length, 1, `one line was wanted:\n${lines.join("\n")}`);
  assert.match(complaints[0], reason);
  assert.doesNotMatch(complaints[0], /attempt to (index|call|perform|compare|concatenate)|bad argument/);
}
