import type { Result } from "../../lib/result";
import { decode_huffman } from "./huffman";
import { STATIC_TABLE, type Field } from "./static_table";

/** The compression of headers in HTTP/2 (RFC 7541). Pure; bounded for any input. */

/** The headers that the other side has asked to remember, the oldest first. */
export interface DynamicTable {
  entries: Field[];
  /** Size of the entries, and its current limit, as the RFC counts them. */
  size: number;
  limit: number;
}

interface Cursor {
  text: string;
  position: number;
}

/** The size of the dynamic table that both sides use unless SETTINGS change it. */
const LARGEST_TABLE = 4096;
const ENTRY_OVERHEAD = 32;
const LARGEST_LIST = 16384;
const MOST_FIELDS = 100;
/** After the first byte of an integer. More are needed only beyond 2^28. */
const MOST_INTEGER_BYTES = 4;
const ENDS_EARLY = "a header block ends early";

export function new_dynamic_table(): DynamicTable {
  return { entries: [], size: 0, limit: LARGEST_TABLE };
}

function size_of({ name, value }: Field): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}

/** Removes the oldest entries until the others have at most a size. */
function evict(dynamic: DynamicTable, size: number): void {
  while (dynamic.size > size) {
    const oldest = table.remove(dynamic.entries, 1) as Field;
    dynamic.size -= size_of(oldest);
  }
}

function add(dynamic: DynamicTable, field: Field): void {
  const size = size_of(field);
  evict(dynamic, math.max(0, dynamic.limit - size));
  // An entry that is larger than the table only empties it.
  if (size > dynamic.limit) return;
  dynamic.entries.push(field);
  dynamic.size += size;
}

function field_at({ entries }: DynamicTable, index: number): Result<Field> {
  const place = index - STATIC_TABLE.length;
  const field = place <= 0 ? STATIC_TABLE[index - 1] : entries[entries.length - place];
  // Both are nil beyond the ends of the tables.
  if ((field as Field | undefined) === undefined) return $multi(undefined, "a header has a wrong index");
  return $multi(field, undefined);
}

/** Reads an integer whose first byte has its lowest bits, up to `mask`. */
function read_integer(cursor: Cursor, mask: number): Result<number> {
  const { text } = cursor;
  const first = string.byte(text, cursor.position) as number | undefined;
  if (first === undefined) return $multi(undefined, ENDS_EARLY);
  cursor.position += 1;
  let value = first % (mask + 1);
  if (value < mask) return $multi(value, undefined);
  let scale = 1;
  for (const _ of $range(1, MOST_INTEGER_BYTES)) {
    const byte = string.byte(text, cursor.position) as number | undefined;
    if (byte === undefined) return $multi(undefined, ENDS_EARLY);
    cursor.position += 1;
    value += (byte % 128) * scale;
    scale *= 128;
    if (byte < 128) return $multi(value, undefined);
  }
  return $multi(undefined, "an integer of a header is too large");
}

function read_text(cursor: Cursor): Result<string> {
  const { text, position } = cursor;
  const is_encoded = position <= text.length && string.byte(text, position) >= 128;
  const [length, cause] = read_integer(cursor, 127);
  if (length === undefined) return $multi(undefined, cause);
  const start = cursor.position;
  if (start + length - 1 > text.length) return $multi(undefined, ENDS_EARLY);
  cursor.position = start + length;
  const bytes = string.sub(text, start, start + length - 1);
  if (is_encoded) return decode_huffman(bytes);
  return $multi(bytes, undefined);
}

/** Reads a header whose name has an index, or is a text if the index is 0, and whose value is a text. */
function read_literal(dynamic: DynamicTable, cursor: Cursor, mask: number): Result<Field> {
  const [index, no_index] = read_integer(cursor, mask);
  if (index === undefined) return $multi(undefined, no_index);
  let name: string | undefined;
  let cause: string | undefined;
  if (index === 0) {
    [name, cause] = read_text(cursor);
  } else {
    const [known, unknown] = field_at(dynamic, index);
    name = known?.name;
    cause = unknown;
  }
  if (name === undefined) return $multi(undefined, cause);
  const [value, no_value] = read_text(cursor);
  if (value === undefined) return $multi(undefined, no_value);
  return $multi({ name, value }, undefined);
}

function read_field(dynamic: DynamicTable, cursor: Cursor, first: number): Result<Field> {
  if (first >= 128) {
    const [index, cause] = read_integer(cursor, 127);
    if (index === undefined) return $multi(undefined, cause);
    return field_at(dynamic, index);
  }
  if (first < 64) return read_literal(dynamic, cursor, 15);
  const [field, cause] = read_literal(dynamic, cursor, 63);
  if (field !== undefined) add(dynamic, field);
  return $multi(field, cause);
}

/** Changes the limit of the dynamic table, as the other side wishes. */
function resize(dynamic: DynamicTable, cursor: Cursor): Result<true> {
  const [limit, cause] = read_integer(cursor, 31);
  if (limit === undefined) return $multi(undefined, cause);
  if (limit > LARGEST_TABLE) return $multi(undefined, "the table of headers is too large");
  dynamic.limit = limit;
  evict(dynamic, limit);
  return $multi(true, undefined);
}

/** Decodes a block of headers, and updates the dynamic table. After a failure the table must not be used. */
export function decode_headers(dynamic: DynamicTable, text: string): Result<Field[]> {
  const cursor = { text, position: 1 };
  const fields: Field[] = [];
  let size = 0;
  while (cursor.position <= text.length) {
    const first = string.byte(text, cursor.position);
    if (first >= 32 && first < 64) {
      if (fields.length > 0) return $multi(undefined, "the table of headers changes among headers");
      const [resized, cause] = resize(dynamic, cursor);
      if (resized === undefined) return $multi(undefined, cause);
    } else {
      const [field, cause] = read_field(dynamic, cursor, first);
      if (field === undefined) return $multi(undefined, cause);
      fields.push(field);
      size += size_of(field);
    }
    // A byte can stand for a long header.
    if (fields.length > MOST_FIELDS) return $multi(undefined, `it has more than ${MOST_FIELDS} headers`);
    if (size > LARGEST_LIST) return $multi(undefined, `its headers are larger than ${LARGEST_LIST} bytes`);
  }
  return $multi(fields, undefined);
}

function format_text(text: string): string {
  if (text.length < 127) return string.char(text.length) + text;
  let rest = text.length - 127;
  let start = string.char(127);
  while (rest >= 128) {
    start += string.char((rest % 128) + 128);
    rest = math.floor(rest / 128);
  }
  return start + string.char(rest) + text;
}

/** The first byte of a header whose name and value are texts, which no table must remember. */
const NEVER_INDEXED = string.char(16);

/** Encodes headers without tables and without Huffman codes. */
export function encode_headers(fields: readonly Field[]): string {
  const parts: string[] = [];
  for (const { name, value } of fields) parts.push(NEVER_INDEXED + format_text(name) + format_text(value));
  return table.concat(parts);
}
