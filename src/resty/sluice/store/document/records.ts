import { canonical_address } from "../../config/address";
import { decode } from "../../lib/json";
import { rest } from "../../lib/rest";
import type { Document } from "./document";
import { address_in, parse_line, restored_server, type ServerRecord } from "./line";
import type { RowNumber } from "../memory/cells";

/** Reads all servers of a document efficiently: an upstream may have 10,000, and a listing 100,000. */

const LINE = '^(%d+) (%d+) (%d+) {"server":"([^"\\\n]*)"([^\n]*)()';

/** Where the reading of a text is. A table and no closure, which LuaJIT would not compile. */
interface Reading {
  text: string;
  position: number;
  /** By the text that follows the address. */
  templates: LuaTable<string, ServerRecord | undefined>;
}

/** Reads the server at the position; undefined: it is padding, or needs more than the fast way. */
function plain_record(reading: Reading): ServerRecord | undefined {
  const { text, templates } = reading;
  const [id, incarnation, row, address, rest, next] = string.match(text, LINE, reading.position);
  if (id === undefined) return undefined;
  let record = templates.get(rest);
  if (record === undefined) {
    const parameters = decode(`{"server":""${rest}`)[0] as Parameters<typeof restored_server>[0];
    record = restored_server(parameters) as ServerRecord;
    templates.set(rest, record);
  }
  record.server = address;
  record.id = tonumber(id) as number;
  record.incarnation = tonumber(incarnation) as number;
  record.row = tonumber(row) as RowNumber;
  reading.position = (tonumber(next) as number) + 1;
  return record;
}

function next_record(this: void, reading: Reading): ServerRecord | undefined {
  const { text } = reading;
  while (reading.position <= text.length) {
    const record = plain_record(reading);
    if (record !== undefined) return record;
    const [line, after] = string.match(text, "^([^\n]*)()", reading.position);
    reading.position = (tonumber(after) as number) + 1;
    // An address that JSON escapes. Empty lines are padding.
    if (line !== "") return parse_line(line);
  }
  return undefined;
}

/**
 * Returns an iterator over the servers of a document's text, from the position that `parse_head` returns, in
 * the order of adding. Equal parameters are decoded once. The record is reused: it changes with the next
 * step.
 */
export function records_in(text: string, start: number): LuaIterable<ServerRecord, Reading> {
  const reading: Reading = { text, position: start, templates: new LuaTable() };
  return $multi(next_record, reading, undefined) as unknown as LuaIterable<ServerRecord, Reading>;
}

const WHOLE_LINE = '^(%d+) (%d+) (%d+) {"server":"([^"\\]*)"(.*)$';

/** Reads lines, as `parse_line` does. Equal parameters are decoded once. Any phase. */
export function parse_lines(lines: readonly string[]): ServerRecord[] {
  const templates = new LuaTable<string, ServerRecord | undefined>();
  const records: ServerRecord[] = [];
  for (const line of lines) {
    const [id, incarnation, row, address, parameters] = string.match(line, WHOLE_LINE);
    const template = id === undefined ? undefined : templates.get(parameters);
    // Records must not share the table of a node.
    if (template === undefined || template.node !== undefined) {
      const record = parse_line(line);
      if (id !== undefined) templates.set(parameters, record);
      records.push(record);
    } else {
      const record = restored_server(template) as ServerRecord;
      record.server = address;
      record.id = tonumber(id) as number;
      record.incarnation = tonumber(incarnation) as number;
      record.row = tonumber(row) as RowNumber;
      records.push(record);
    }
    rest();
  }
  return records;
}

/** Returns a function that finds lines as `find_by_address` does, for many addresses. */
export function new_line_finder({ lines }: Document): (this: void, address: string) => string | undefined {
  const by_text = new LuaTable<string, string>();
  const by_name = new LuaTable<string, string>();
  for (const line of lines) {
    const address = address_in(line);
    const name = canonical_address(address);
    by_text.set(address, line);
    if (!by_name.has(name)) by_name.set(name, line);
    rest();
  }
  return (address) => by_text.get(address) ?? by_name.get(canonical_address(address));
}
