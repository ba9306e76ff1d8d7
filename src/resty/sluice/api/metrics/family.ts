import { type StringBuffer, new as new_buffer } from "string.buffer";

import type { NextPiece } from "../answer";
import type { Format } from "./format";

/** A family of metrics: one name with all of its samples, which must be adjacent. */

export interface Family {
  /** Without the suffix that the type requires, such as `_total`. */
  name: string;
  type: "counter" | "gauge" | "histogram" | "info";
  unit?: "seconds" | "bytes" | undefined;
  /** A sentence without quotes and backslashes. */
  help: string;
  /** The number of items that have samples, such as servers, and how many are written at a time. */
  items: number;
  step: number;
  /**
   * Appends the samples of the items from `first` to `last`; the first item is 0. It calls `pause` if it
   * takes long.
   */
  write: (this: void, out: StringBuffer, first: number, last: number, pause: (this: void) => void) => void;
}

/** What a family has beside its samples. */
export type Head = Pick<Family, "name" | "type" | "unit" | "help">;

/** Approximate size of a piece. */
const PIECE_BYTES = 65536;
const SAMPLES_A_STEP = 256;

const SUFFIXES = { counter: "_total", gauge: "", histogram: "", info: "_info" };

/** The value of an item that has no sample. */
export const ABSENT = -math.huge;

/** Returns the name of a family's samples; those of a histogram have a further suffix. */
export function sample_name({ name, type }: Head): string {
  return name + SUFFIXES[type];
}

function write_head(out: StringBuffer, family: Family, { is_open }: Format): void {
  const { type, unit, help } = family;
  const name = is_open ? family.name : sample_name(family);
  out.put("# HELP ", name, " ", help, "\n");
  out.put("# TYPE ", name, " ", type === "info" && !is_open ? "gauge" : type, "\n");
  if (is_open && unit !== undefined) out.put("# UNIT ", name, " ", unit, "\n");
}

/** The values of items for one set of further labels. */
export interface Column {
  /** Text that begins with a comma, such as `,class="2xx"`; "": there are none. */
  labels: string;
  values: readonly number[];
}

/** Appends a sample of each item that has one. */
function write_column(
  out: StringBuffer,
  start: string,
  labels: readonly string[],
  column: Column,
  first: number,
  last: number,
): void {
  const { values } = column;
  const middle = `${column.labels}} `;
  for (const item of $range(first, last)) {
    const value = values[item];
    if (value !== ABSENT) out.put(start, labels[item], middle, value, "\n");
  }
}

/** Makes a family of items with `labels`, which are not empty. */
export function columns(head: Head, labels: readonly string[], its_columns: readonly Column[]): Family {
  const start = `${sample_name(head)}{`;
  return {
    ...head,
    items: labels.length,
    step: math.ceil(SAMPLES_A_STEP / its_columns.length),
    write: (out, first, last) => {
      for (const column of its_columns) write_column(out, start, labels, column, first, last);
    },
  };
}

/** Makes a family with one sample without labels. */
export function single(head: Head, value: number): Family {
  const name = sample_name(head);
  return {
    ...head,
    items: 1,
    step: 1,
    write: (out) => {
      out.put(name, " ", value, "\n");
    },
  };
}

/**
 * Returns the text of families in pieces.
 *
 * @param families makes the families; called once, with the pause of the first piece
 */
export function family_pieces(
  families: (this: void, pause: (this: void) => void) => readonly Family[],
  format: Format,
): NextPiece {
  const out = new_buffer();
  let all: readonly Family[] | undefined;
  let index = 0;
  let item = 0;
  let is_done = false;
  return (pause) => {
    if (is_done) return undefined;
    all ??= families(pause);
    while (index < all.length && out.length() < PIECE_BYTES) {
      const family = all[index];
      if (item === 0) write_head(out, family, format);
      const last = math.min(item + family.step, family.items) - 1;
      if (last >= item) family.write(out, item, last, pause);
      item = last + 1;
      if (item >= family.items) {
        index += 1;
        item = 0;
      }
      pause();
    }
    is_done = index >= all.length;
    if (is_done && format.is_open) out.put("# EOF\n");
    return out.get();
  };
}
