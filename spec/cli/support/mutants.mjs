/** Changes of an upstream at one place, most of which a gateway refuses. */

/** Values that are wrong at most places. */
const odd = [
  null,
  true,
  -1,
  0,
  0.5,
  1e10,
  2147483648,
  "",
  "x",
  "1.5s",
  "99999999999d",
  "0",
  [],
  {},
  [[]],
  { constructor: 1 },
];

/** The places of an upstream. @param {unknown} value @param {(string | number)[]} path */
function pathsIn(value, path = []) {
  if (typeof value !== "object" || value === null) return [path];
  const below = Object.entries(value).flatMap(([name, member]) =>
    pathsIn(member, [...path, Array.isArray(value) ? Number(name) : name]),
  );
  return path.length === 0 ? below : [path, ...below];
}

/** Returns a copy with another value at a place. @param {any} value @param {(string | number)[]} path */
function changed(value, path, replacement) {
  const copy = structuredClone(value);
  let holder = copy;
  for (const part of path.slice(0, -1)) holder = holder[part];
  holder[path.at(-1)] = replacement;
  // Without members that are undefined, as the gateway receives it.
  return JSON.parse(JSON.stringify(copy));
}

/** Returns a copy with a member more in the object that has the place. @param {any} value */
function extended(value, path) {
  const copy = structuredClone(value);
  let holder = copy;
  for (const part of path.slice(0, -1)) holder = holder[part];
  if (!Array.isArray(holder)) holder.toString = 1;
  return copy;
}

/**
 * Returns an upstream with one value changed, for each of its values.
 * @param {object} upstream
 * @returns {object[]}
 */
export function mutants(upstream) {
  return pathsIn(upstream).flatMap((path) => [
    ...odd.map((value) => changed(upstream, path, value)),
    changed(upstream, path, undefined),
    extended(upstream, path),
  ]);
}
