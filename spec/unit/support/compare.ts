/** Compares values by their content, and formats them for messages. */

type Table = Record<string, unknown>;

/** Pairs of tables that are already being compared, so that the comparison of circular tables ends. */
type Begun = LuaMap<Table, Table>;

function same_members(one: Table, other: Table, begun: Begun): boolean {
  if (begun.get(one) === other) return true;
  begun.set(one, other);
  for (const [key, value] of pairs(one)) if (!is_same(value, other[key], begun)) return false;
  for (const [key] of pairs(other)) if (one[key] === undefined) return false;
  return true;
}

/** Whether two values have the same content, at any depth. Metatables are ignored. */
export function is_same(one: unknown, other: unknown, begun: Begun = new LuaMap()): boolean {
  if (one === other) return true;
  if (type(one) !== "table" || type(other) !== "table") return false;
  return same_members(one as Table, other as Table, begun);
}

/** The depth at which nested tables are cut off, so that the text of circular tables ends. */
const DEEPEST = 8;

/** Formats a value for the message of a failed comparison. */
export function show(value: unknown, indent = "", depth = 0): string {
  if (type(value) === "string") return string.format("%q", value);
  if (type(value) === "number") return string.format("%.17g", value);
  if (type(value) !== "table") return tostring(value);
  if (depth === DEEPEST) return "{ … }";
  const lines: string[] = [];
  for (const [key, member] of pairs(value as Table)) {
    lines.push(`${indent}  ${show(key)}: ${show(member, `${indent}  `, depth + 1)}\n`);
  }
  table.sort(lines);
  return lines.length === 0 ? "{}" : `{\n${table.concat(lines)}${indent}}`;
}
