/** Reads nginx's error log. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";

const entry = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[(\w+)\] (.*)$/;
const severe = ["error", "crit", "alert", "emerg"];

export class ErrorLog {
  /** @type {RegExp[]} */
  #allowed = [];

  /** @param {string} path */
  constructor(path) {
    this.path = path;
  }

  /** @returns {string} */
  text() {
    return existsSync(this.path) ? readFileSync(this.path, "utf8") : "";
  }

  /**
   * Returns the entries of some levels, without the further lines of Lua tracebacks.
   * @param {string[]} levels
   * @returns {string[]}
   */
  entries(...levels) {
    const lines = this.text().split("\n");
    return lines.filter((line) => levels.includes(entry.exec(line)?.[1] ?? ""));
  }

  /** @returns {string[]} the entries at `error` and above */
  severeEntries() {
    return this.entries(...severe);
  }

  /**
   * Allows entries that this test causes on purpose.
   * @param {RegExp[]} patterns
   */
  allow(...patterns) {
    this.#allowed.push(...patterns);
  }

  /**
   * Asserts that all entries at `error` or above were allowed.
   * @param {RegExp[]} patterns further allowed entries, for this call only
   */
  assertClean(...patterns) {
    const allowed = [...this.#allowed, ...patterns];
    const unexpected = this.severeEntries().filter((line) => !allowed.some((pattern) => pattern.test(line)));
    const shown = unexpected.slice(0, 10).join("\n");
    assert.equal(
      unexpected.length,
      0,
      `the error log has ${unexpected.length} unexpected entries:\n${shown}`,
    );
  }
}
