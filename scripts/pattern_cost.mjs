/**
 * Finds Lua patterns that can take quadratic time.
 *
 * Lua's matcher backtracks. A pattern takes more than linear time when two of its repetitions can share a run
 * of bytes: each time the first one gives a byte back, the second one reads the run again. A pattern without
 * `^` is tried at each position; that counts as a repetition of any bytes in front of it. Pure.
 */

/**
 * @typedef {object} Item one part of a pattern that matches bytes
 * @property {string} source
 * @property {Uint8Array} set for each byte 1 if it matches
 * @property {"" | "?" | "*" | "+" | "-"} repeat
 */

const ALL = new Uint8Array(256).fill(1);

/** @type {Record<string, (byte: number) => boolean>} the classes of the C locale */
const CLASSES = {
  a: (byte) => (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122),
  c: (byte) => byte < 32 || byte === 127,
  d: (byte) => byte >= 48 && byte <= 57,
  g: (byte) => byte > 32 && byte < 127,
  l: (byte) => byte >= 97 && byte <= 122,
  p: (byte) => byte > 32 && byte < 127 && !CLASSES.w(byte),
  s: (byte) => byte === 32 || (byte >= 9 && byte <= 13),
  u: (byte) => byte >= 65 && byte <= 90,
  w: (byte) => CLASSES.a(byte) || CLASSES.d(byte),
  x: (byte) => CLASSES.d(byte) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102),
  z: (byte) => byte === 0,
};

/** @param {(byte: number) => boolean} matches */
const setOf = (matches) => Uint8Array.from({ length: 256 }, (_, byte) => (matches(byte) ? 1 : 0));

/** Returns the bytes that `%<letter>` matches. @param {string} letter */
function escaped(letter) {
  const test = CLASSES[letter.toLowerCase()];
  if (test === undefined || !/[a-z]/i.test(letter)) return setOf((byte) => byte === letter.charCodeAt(0));
  return setOf(letter === letter.toLowerCase() ? test : (byte) => !test(byte));
}

/**
 * Reads a set in brackets.
 * @param {string} pattern
 * @param {number} start the index of its "["
 * @returns {[set: Uint8Array, end: number]}
 */
function readSet(pattern, start) {
  let at = start + 1;
  const isNegated = pattern[at] === "^";
  if (isNegated) at += 1;
  const set = new Uint8Array(256);
  const first = at;
  while (at < pattern.length && (pattern[at] !== "]" || at === first)) {
    if (pattern[at] === "%") {
      escaped(pattern[at + 1]).forEach((matches, byte) => (set[byte] |= matches));
      at += 2;
    } else if (pattern[at + 1] === "-" && at + 2 < pattern.length && pattern[at + 2] !== "]") {
      set.fill(1, pattern.charCodeAt(at), pattern.charCodeAt(at + 2) + 1);
      at += 3;
    } else {
      set[pattern.charCodeAt(at)] = 1;
      at += 1;
    }
  }
  return [isNegated ? set.map((matches) => 1 - matches) : set, at + 1];
}

/**
 * Splits a pattern into its items.
 * @param {string} pattern
 * @returns {{ items: Item[], hasEnd: boolean, unknown?: string }} `unknown`: a part that cannot be analysed
 */
function parse(pattern) {
  /** @type {Item[]} */
  const items = [];
  let at = 0;
  while (at < pattern.length) {
    const start = at;
    const char = pattern[at];
    if (char === "$" && at === pattern.length - 1) return { items, hasEnd: true };
    if (char === "(" || char === ")") {
      at += 1;
      continue;
    }
    let set = ALL;
    if (char === "[") {
      [set, at] = readSet(pattern, at);
    } else if (char === "%") {
      if (/[bf\d]/.test(pattern[at + 1] ?? ""))
        return { items, hasEnd: false, unknown: pattern.slice(at, at + 2) };
      set = escaped(pattern[at + 1]);
      at += 2;
    } else {
      if (char !== ".") set = setOf((byte) => byte === char.charCodeAt(0));
      at += 1;
    }
    const repeat = /[?*+-]/.test(pattern[at] ?? "") ? /** @type {Item["repeat"]} */ (pattern[at]) : "";
    if (repeat !== "") at += 1;
    items.push({ source: pattern.slice(start, at), set, repeat });
  }
  return { items, hasEnd: false };
}

/** @param {Uint8Array} one @param {Uint8Array} other */
const intersection = (one, other) => one.map((matches, byte) => matches & other[byte]);
/** @param {Uint8Array} set */
const isEmpty = (set) => !set.includes(1);
/** @param {Item} item */
const isUnbounded = ({ repeat }) => repeat === "*" || repeat === "+" || repeat === "-";
/** @param {Item} item */
const isOptional = ({ repeat }) => repeat === "*" || repeat === "-" || repeat === "?";

/**
 * Whether the match can fail after an item has matched, so that the matcher gives back bytes of the item.
 * @param {Item[]} items
 * @param {number} index
 * @param {boolean} hasEnd
 */
function canFailBehind(items, index, hasEnd) {
  const behind = items.slice(index + 1);
  if (behind.some((item) => !isOptional(item))) return true;
  const takesAll = (item) => isUnbounded(item) && item.set.every((matches) => matches === 1);
  return hasEnd && ![items[index], ...behind].some(takesAll);
}

/**
 * Returns the reason why a pattern can take quadratic time; undefined if it cannot.
 * @param {string} pattern
 * @param {boolean} [isRepeated] true for gmatch, where "^" is no anchor
 * @returns {string | undefined}
 */
export function quadraticPart(pattern, isRepeated = false) {
  const isAnchored = pattern.startsWith("^") && !isRepeated;
  const { items, hasEnd, unknown } = parse(pattern.startsWith("^") ? pattern.slice(1) : pattern);
  if (unknown !== undefined) return `"${unknown}" cannot be analysed`;
  /** @type {Item[]} */
  const all = isAnchored
    ? items
    : [{ source: "the start, which is not anchored", set: ALL, repeat: "*" }, ...items];
  for (const [later, second] of all.entries()) {
    if (!isUnbounded(second) || !canFailBehind(all, later, hasEnd)) continue;
    for (let earlier = later - 1; earlier >= 0; earlier -= 1) {
      const first = all[earlier];
      const shared = intersection(first.set, second.set);
      const isApart = all
        .slice(earlier + 1, later)
        .some((item) => !isOptional(item) && isEmpty(intersection(item.set, shared)));
      if (isUnbounded(first) && !isEmpty(shared) && !isApart)
        return `${first.source} and ${second.source} can share a run of bytes`;
    }
  }
  return undefined;
}
