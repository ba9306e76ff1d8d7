/** Random damages of state files, and the allowed results. */
import assert from "node:assert/strict";
import { stateFiles } from "./state_loader.mjs";

/** @typedef {import("./state_loader.mjs").Files} Files */

/**
 * Makes a random generator with a seed (mulberry32).
 * @param {number} seed
 * @returns {(below: number) => number} a whole number from 0 up to, but not including, `below`
 */
export function randomFrom(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** @typedef {(text: Buffer, random: (below: number) => number) => Buffer} Damage */

/**
 * Returns a random part of a text.
 * @param {Buffer} text
 * @param {(below: number) => number} random
 * @param {number} longest
 */
function someRange(text, random, longest) {
  const start = random(text.length);
  return { start, end: Math.min(text.length, start + 1 + random(longest)) };
}

/** Overwrites a random part. @param {(random: (below: number) => number) => number} byte @returns {Damage} */
const overwrite = (byte) => (text, random) => {
  const damaged = Buffer.from(text);
  const { start, end } = someRange(text, random, 64);
  for (let index = start; index < end; index += 1) damaged[index] = byte(random);
  return damaged;
};

/** @type {Record<string, Damage>} */
const damages = {
  flipsBit(text, random) {
    const damaged = Buffer.from(text);
    damaged[random(text.length)] ^= 1 << random(8);
    return damaged;
  },
  overwritesWithNoise: overwrite((random) => random(256)),
  overwritesWithZeros: overwrite(() => 0),
  overwritesWithOnes: overwrite(() => 255),
  overwritesWithDigits: overwrite((random) => 48 + random(10)),
  cutsEnd: (text, random) => text.subarray(0, random(text.length)),
  cutsStart: (text, random) => text.subarray(random(text.length)),
  removesPart(text, random) {
    const { start, end } = someRange(text, random, 400);
    return Buffer.concat([text.subarray(0, start), text.subarray(end)]);
  },
  repeatsPart(text, random) {
    const { start, end } = someRange(text, random, 400);
    return Buffer.concat([text.subarray(0, end), text.subarray(start)]);
  },
  movesPart(text, random) {
    const { start, end } = someRange(text, random, 400);
    const rest = Buffer.concat([text.subarray(0, start), text.subarray(end)]);
    const to = random(rest.length + 1);
    return Buffer.concat([rest.subarray(0, to), text.subarray(start, end), rest.subarray(to)]);
  },
  insertsNoise(text, random) {
    const at = random(text.length + 1);
    const noise = Buffer.from(Array.from({ length: 1 + random(32) }, () => random(256)));
    return Buffer.concat([text.subarray(0, at), noise, text.subarray(at)]);
  },
  removesLine(text, random) {
    const lines = text.toString("latin1").split("\n");
    lines.splice(random(lines.length), 1);
    return Buffer.from(lines.join("\n"), "latin1");
  },
  exchangesLines(text, random) {
    const lines = text.toString("latin1").split("\n");
    const [a, b] = [random(lines.length), random(lines.length)];
    [lines[a], lines[b]] = [lines[b], lines[a]];
    return Buffer.from(lines.join("\n"), "latin1");
  },
  empties: () => Buffer.alloc(0),
};

/**
 * Damages one file, in some cases two.
 * @param {Files} files
 * @param {(below: number) => number} random
 * @returns {{ files: Files, what: string }}
 */
export function damage(files, random) {
  const damaged = { ...files };
  const filled = stateFiles.filter((name) => files[name].length > 0);
  const done = [];
  const count = random(5) === 0 ? 2 : 1;
  for (let turn = 0; turn < count; turn += 1) {
    const name = filled[random(filled.length)];
    const kinds = Object.keys(damages);
    const kind = kinds[random(kinds.length)];
    if (damaged[name].length > 0) damaged[name] = damages[kind](damaged[name], random);
    done.push(`${kind} ${name}`);
  }
  return { files: damaged, what: done.join(", ") };
}

/** Undamaged files, and the states that may be loaded from damaged ones. */
export class Snapshot {
  /** The state of each revision. @type {Map<number, string>} */
  #states = new Map();
  #last = 0;

  /**
   * @param {Files} files
   * @param {string} journal the name of the current journal
   */
  constructor(files, journal) {
    this.files = files;
    this.journal = journal;
  }

  /**
   * Records the state after each line of the journal.
   * @param {(files: Files) => Promise<import("./state_loader.mjs").Outcome>} load
   */
  async learn(load) {
    const text = this.files[this.journal];
    for (let end = text.indexOf("\n") + 1; end > 0; end = text.indexOf("\n", end) + 1) {
      const { revision, state, refused } = await load({
        ...this.files,
        [this.journal]: text.subarray(0, end),
      });
      if (refused === undefined) {
        this.#states.set(revision, state);
        this.#last = revision;
      }
    }
    assert.ok(this.#states.size > 3, "the journal has some lines");
  }

  /**
   * Asserts that damaged files were loaded as the right state, as the state before a torn last line, or were
   * refused.
   * @param {Files} files
   * @param {import("./state_loader.mjs").Outcome} outcome
   * @param {string} what
   */
  check(files, { refused, revision, state }, what) {
    if (refused !== undefined) {
      assert.match(refused, /(image|journal)\.[01]: line \d+: ./, what);
      return;
    }
    assert.equal(state, this.#states.get(revision), `${what}: not the state of revision ${revision}`);
    if (revision === this.#last) return;
    const text = files[this.journal];
    const whole = text.subarray(0, text.lastIndexOf("\n") + 1);
    const isPrefix = this.files[this.journal].subarray(0, whole.length).equals(whole);
    assert.ok(isPrefix, `${what}: revision ${revision} was loaded without the changes after it`);
  }
}
