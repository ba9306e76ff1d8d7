/**
 * Returns a Markdown table.
 * @param {string[]} heads
 * @param {string[]} rows the cells of a row, with ` | ` between them
 */
export function table(heads, rows) {
  const rule = heads.map((_, index) => (index === 0 ? "---" : "---:"));
  return [`| ${heads.join(" | ")} |`, `| ${rule.join(" | ")} |`, ...rows.map((row) => `| ${row} |`)].join(
    "\n",
  );
}
