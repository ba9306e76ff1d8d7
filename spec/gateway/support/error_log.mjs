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
   * The entries of some levels; a Lua traceback that goes on over more lines is part of none.
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
   * Entries that this test brings about on purpose.
   * @param {RegExp[]} patterns
   */
  allow(...patterns) {
    this.#allowed.push(...patterns);
  }

  /**
   * Asserts that no entry at `error` or above is there but those that were allowed.
   * @param {RegExp[]} patterns more to allow, this once
   */
  assertClean(...patterns) {
    const allowed = [...this.#allowed, ...patterns];
    const unexpected = this.severeEntries().filter((line) => !allowed.some((pattern) => pattern.test(line)));
    const shown = unexpected.slice(0, 10).join("\n");
    assert.equal(
      unexpected.length,
      0,
      `the error log holds ${unexpected.length} unexpected entries:\n${shown}`,
    );
  }
}
