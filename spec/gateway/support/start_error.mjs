/** Checks the messages of nginx when it refuses to start. */
import assert from "node:assert/strict";

/**
 * Starts a gateway that must refuse to start, with an exit code and one clear message.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {RegExp} reason a pattern that the message must match
 */
export async function assertRefusesToStart(gateway, reason) {
  const { code, complaint } = await gateway.startInVain();
  assert.ok(code !== null && code > 0, `nginx ended with ${code}`);
  assertOneClearLine(complaint.split("\n"), reason);
  gateway.log.allow(reason);
}

/**
 * Asserts that exactly one line is an error of nginx, and that it contains the reason. The Lua traceback that
 * lua-nginx-module adds is not counted, and a reason that is itself a Lua error is refused.
 * @param {string[]} lines
 * @param {RegExp} reason
 */
export function assertOneClearLine(lines, reason) {
  const complaints = lines.filter((line) => /\[(error|crit|alert|emerg)\]/.test(line));
  assert.equal(complaints.length, 1, `expected one line:\n${lines.join("\n")}`);
  assert.match(complaints[0], reason);
  assert.doesNotMatch(complaints[0], /attempt to (index|call|perform|compare|concatenate)|bad argument/);
}
