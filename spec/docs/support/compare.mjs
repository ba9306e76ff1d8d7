/** Compares the JSON on a page with the JSON of the gateway's answer. */

/** Members whose values differ from run to run. Their types are compared. */
const volatile = new Set([
  ...["number", "revision", "time", "selected", "downtime", "downstart", "last_passed", "last_success"],
  ...["active", "requests", "sent", "received", "header_time", "response_time", "picks", "request_id"],
  ...[
    "active_percent",
    "picks_percent",
    "accepted",
    "high_since",
    "scaled_at",
    "generation",
    "load_timestamp",
  ],
  ...["timestamp", "1xx", "2xx", "3xx", "4xx", "5xx", "total", "checks", "expires", "pid", "ppid", "address"],
]);

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** @param {unknown} value */
function typeOf(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value;
}

/** Whether a page shows only the beginning of a text. @param {unknown} shown */
const isShortened = (shown) => typeof shown === "string" && shown.endsWith("…");

/**
 * Describes the first member of `shown` that is missing in `actual` or differs there. Other members and
 * elements of `actual` are not compared.
 * @param {unknown} shown
 * @param {unknown} actual
 * @param {{ path?: string, volatile?: string[] }} [options] `volatile`: more members whose values are not
 *   compared
 * @returns {string | undefined} undefined: there is no difference
 */
export function differenceOf(shown, actual, options = {}) {
  const { path = "the answer" } = options;
  if (typeOf(shown) !== typeOf(actual))
    return `${path} is ${typeOf(shown)} on the page, but ${JSON.stringify(actual)?.slice(0, 300)}`;
  if (Array.isArray(shown)) {
    if (actual.length < shown.length) return `${path} has ${actual.length} elements, not ${shown.length}`;
    return first(
      shown.map((element, index) => [element, actual[index], `${path}[${index}]`, ""]),
      options,
    );
  }
  if (isObject(shown))
    return first(
      Object.entries(shown).map(([name, member]) => [member, actual[name], `${path}.${name}`, name]),
      options,
    );
  const isSame = isShortened(shown) ? actual.startsWith(shown.slice(0, -1)) : shown === actual;
  return isSame
    ? undefined
    : `${path} is ${JSON.stringify(shown)} on the page, but ${JSON.stringify(actual)}`;
}

/**
 * @param {[shown: unknown, actual: unknown, path: string, name: string][]} pairs
 * @param {{ volatile?: string[] }} options
 */
function first(pairs, options) {
  for (const [shown, actual, path, name] of pairs) {
    const isVolatile = volatile.has(name) || options.volatile?.includes(name) === true;
    const mayDiffer = isVolatile && typeof shown !== "object" && typeOf(shown) === typeOf(actual);
    const difference = mayDiffer ? undefined : differenceOf(shown, actual, { ...options, path });
    if (difference !== undefined) return difference;
  }
  return undefined;
}
