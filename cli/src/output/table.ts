import { clean } from "./text";

/** A column of a table. */
export interface Column<Row> {
  title: string;
  value: (row: Row) => string | number;
}

/** Returns an aligned table with its titles; numbers are aligned to the right. */
export function table<Row>(columns: Column<Row>[], rows: Row[]): string {
  const cells = columns.map(({ title, value }) => {
    const values = rows.map(value);
    const texts = [title, ...values.map((each) => clean(String(each)))];
    const isNumber = values.length > 0 && values.every((each) => typeof each === "number");
    const width = Math.max(...texts.map((text) => text.length));
    return texts.map((text) => (isNumber ? text.padStart(width) : text.padEnd(width)));
  });
  const lines = ["", ...rows].map((_, line) =>
    cells
      .map((texts) => texts[line])
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}
