/** Comparing values by their content, and showing them when they differ. */

type Table = Record<string, unknown>;

/** Pairs of tables that a comparison is already in, so that tables in a circle end it. */
type Begun = LuaMap<Table, Table>;

function same_members(one: Table, other: Table, begun: Begun): boolean {
  if (begun.get(one) === other) return true;
  begun.set(one, other);
  for (const [key, value] of pairs(one)) if (!is_same(value, other[key], begun)) return false;
  for (const [key] of pairs(other)) if (one[key] === undefined) return false;
  return true;
}

/** Whether two values have the same content, however deep. Metatables are left out of account. */
export function is_same(one: unknown, other: unknown, begun: Begun = new LuaMap()): boolean {
  if (one === other) return true;
  if (type(one) !== "table" || type(other) !== "table") return false;
  return same_members(one as Table, other as Table, begun);
}

/** The depth at which nested tables are cut off, so that tables in a circle end. */
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
