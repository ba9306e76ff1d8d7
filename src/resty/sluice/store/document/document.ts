import { canonical_address } from "../../config/address";
import { settings_of, type UpstreamSettings } from "../../config/settings";
import { decode, encode, shape, shaped } from "../../lib/json";
import { address_in, lines_in, parse_line, type ServerRecord } from "./line";
import type { RowNumber } from "../memory/cells";

/** A removed server that may still be finishing requests; its row is kept until it has. */
export interface Leaver {
  row: RowNumber;
  incarnation: number;
}

/**
 * An upstream as it stands in the shared dict: a line of its own, then a line a server, in the order of adding. A
 * worker that knows a line knows the server, so telling what has changed needs no decoding.
 */
export interface Document extends UpstreamSettings, Bookkeeping {
  /** Of the last change. */
  revision: number;
  /** Its place in the shared memory. */
  row: RowNumber;
  leavers: Leaver[];
  lines: string[];
}

/** What an upstream has to remember beside its settings and its servers. */
export interface Bookkeeping {
  /** The id that the next server gets. */
  next_id: number;
  /** The same of servers that only this gateway of several has; absent: it is alone. */
  next_local_id?: number | undefined;
  /**
   * The version of what several gateways share of it: etcd's history and revision; absent: it is not shared.
   */
  cluster_revision?: string | undefined;
  /**
   * What the values of its sticky cookie are made with, from the first such cookie to the upstream's end. Whoever has
   * it can choose a server: it goes into no answer and no log.
   */
  session_secret?: string | undefined;
  /** The last decision of `autoscale`; absent: there was none. */
  scaling?: Scaling | undefined;
  /** The call of its webhook that has not been answered yet; absent: there is none. Only the gateway that has decided has it. */
  call?: Call | undefined;
  /** The servers that drain jobs have removed lately, the last one at the end; absent: there are none. */
  drained?: Drained[] | undefined;
}

/** A server that a drain job has removed. */
export interface Drained {
  id: number;
  server: string;
  /** When it was removed, in ISO 8601. */
  time: string;
}

/** A decision to scale, as far as the next one depends on it. */
export interface Scaling {
  /** Tells it from all others. */
  id: string;
  /** When it was made, or its call answered: seconds since 1970, by the clock of the gateway that has decided. */
  time: number;
  /**
   * For so many seconds from now on its call may be under way, if the gateway that makes it lives. Absent: there is no
   * call, or it has been answered.
   */
  wait?: number | undefined;
}

/** A call of a webhook. */
export interface Call {
  /** That of the decision. */
  id: string;
  body: string;
  /** It has been answered, but the other gateways do not know yet. */
  is_heard?: true | undefined;
}

const SCALING = shape(["id", "time", "wait"]);
const CALL = shape(["id", "body", "is_heard"]);
const DRAINED = shape(["id", "server", "time"]);

/** Its members, in the order in which they are stored. */
export const BOOKKEEPING_FIELDS = [
  "session_secret",
  "next_id",
  "next_local_id",
  "cluster_revision",
  "scaling",
  "call",
  "drained",
] as const;

/** Copies what an upstream has to remember, and nothing else. */
export function bookkeeping_of({
  next_id,
  next_local_id,
  cluster_revision,
  session_secret,
  scaling,
  call,
  drained,
}: Bookkeeping): Bookkeeping {
  const book: Bookkeeping = { next_id, next_local_id, cluster_revision, session_secret };
  if (scaling !== undefined) book.scaling = shaped(scaling, SCALING);
  if (call !== undefined) book.call = shaped(call, CALL);
  for (const entry of drained ?? []) shaped(entry, DRAINED);
  if (drained !== undefined && drained.length > 0) book.drained = drained;
  return book;
}

/** Writes a document as text. */
export function format_document(document: Document): string {
  const { revision, row, leavers } = document;
  const head = encode({ ...settings_of(document), ...bookkeeping_of(document), revision, row, leavers });
  if (document.lines.length === 0) return `${head}\n`;
  return `${head}\n${table.concat(document.lines, "\n")}\n`;
}

/** Reads a document's own line, without the servers. Returns it, and where the servers' lines begin. */
export function parse_head(text: string): LuaMultiReturn<[Document, number]> {
  const [end_of_head] = string.find(text, "\n", 1, true);
  const head = decode(string.sub(text, 1, end_of_head - 1))[0] as Document;
  head.lines = [];
  return $multi(head, end_of_head + 1);
}

/** Reads a document from its text; a text that was padded at its end reads the same. */
export function parse_document(text: string): Document {
  const [document, start] = parse_head(text);
  for (const [line] of lines_in(text, start)) document.lines.push(line);
  return document;
}

/** The server `id` of a document's text, without reading the rest of that. */
export function find_record(text: string, id: number): ServerRecord | undefined {
  const [position] = string.find(text, string.format("\n%d ", id), 1, true);
  return position === undefined ? undefined : parse_line(string.match(text, "[^\n]+", position + 1)[0]);
}

/** The index of the line of the server `id`. */
export function find_by_id({ lines }: Document, id: number): number | undefined {
  const start = string.format("%d ", id);
  for (const index of $range(0, lines.length - 1)) {
    if (string.sub(lines[index], 1, start.length) === start) return index;
  }
  return undefined;
}

/**
 * The index of the line of the server at an address, however that is written. A state of version 0.1.0 may have servers
 * whose addresses differ only in that: then the one that is written so comes first.
 */
export function find_by_address({ lines }: Document, address: string): number | undefined {
  const name = canonical_address(address);
  let other: number | undefined;
  for (const index of $range(0, lines.length - 1)) {
    const known = address_in(lines[index]);
    if (known === address) return index;
    if (other === undefined && canonical_address(known) === name) other = index;
  }
  return other;
}
