import { canonical_address } from "../../config/address";
import { settings_of, type UpstreamSettings } from "../../config/settings";
import { decode, encode, shape, shaped } from "../../lib/json";
import { address_in, lines_in, parse_line, type ServerRecord } from "./line";
import type { RowNumber } from "../memory/cells";

/** A removed server that may still have requests under way. Its row is kept until it has none. */
export interface Leaver {
  row: RowNumber;
  incarnation: number;
}

/** An upstream as the shared dict holds it: its own line, then the servers' lines, as they were added. */
export interface Document extends UpstreamSettings, Bookkeeping {
  /** The revision of the last change. */
  revision: number;
  /** The number of its row in the shared memory. */
  row: RowNumber;
  leavers: Leaver[];
  lines: string[];
}

/** What the store keeps of an upstream beside its settings and its servers. */
export interface Bookkeeping {
  /** The id of the next server. */
  next_id: number;
  /** The id of the next server that this gateway finds in a registry; absent: the upstream is not shared. */
  next_local_id?: number | undefined;
  /**
   * The version that the gateways of a cluster share: etcd's history and revision; absent: it is not shared.
   */
  cluster_revision?: string | undefined;
  /**
   * The secret of the sticky cookie's values, from the first such cookie to the end of the upstream. With the
   * secret a client could choose a server, so it appears in no answer and no log.
   */
  session_secret?: string | undefined;
  /** The last decision of `autoscale`; absent: none. */
  scaling?: Scaling | undefined;
  /**
   * The call of the webhook that has not been answered yet; absent: none. Only the gateway that made the
   * decision has it.
   */
  call?: Call | undefined;
  /** The servers that drain jobs have removed recently, oldest first; absent: none. */
  drained?: Drained[] | undefined;
}

/** A server that a drain job has removed. */
export interface Drained {
  id: number;
  server: string;
  /** When it was removed, in ISO 8601. */
  time: string;
}

/** What the next decision to scale depends on. */
export interface Scaling {
  /** Unique. */
  id: string;
  /**
   * When it was made, or its call was answered: seconds since 1970, by the clock of the gateway that decided.
   */
  time: number;
  /**
   * How many seconds from now the call may be under way, if the gateway that makes it lives. Absent: there is
   * no call, or it has been answered.
   */
  wait?: number | undefined;
}

/** A call of a webhook. */
export interface Call {
  /** The id of the decision. */
  id: string;
  body: string;
  /** The call has been answered, but the other gateways do not know yet. */
  is_heard?: true | undefined;
}

const SCALING = shape(["id", "time", "wait"]);
const CALL = shape(["id", "body", "is_heard"]);
const DRAINED = shape(["id", "server", "time"]);

/** The members of the bookkeeping, in the order in which they are stored. */
export const BOOKKEEPING_FIELDS = [
  "session_secret",
  "next_id",
  "next_local_id",
  "cluster_revision",
  "scaling",
  "call",
  "drained",
] as const;

/** Copies the bookkeeping of an upstream, and nothing else. */
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

/**
 * Parses a document's own line, without the servers. Returns it, and the position of the first server's line.
 */
export function parse_head(text: string): LuaMultiReturn<[Document, number]> {
  const [end_of_head] = string.find(text, "\n", 1, true);
  const head = decode(string.sub(text, 1, end_of_head - 1))[0] as Document;
  head.lines = [];
  return $multi(head, end_of_head + 1);
}

/** Parses a document's text. Empty lines at the end are padding. */
export function parse_document(text: string): Document {
  const [document, start] = parse_head(text);
  for (const [line] of lines_in(text, start)) document.lines.push(line);
  return document;
}

/** Returns the server `id` of a document's text, without parsing the rest. */
export function find_record(text: string, id: number): ServerRecord | undefined {
  const [position] = string.find(text, string.format("\n%d ", id), 1, true);
  return position === undefined ? undefined : parse_line(string.match(text, "[^\n]+", position + 1)[0]);
}

/** Returns the index of the line of the server `id`. */
export function find_by_id({ lines }: Document, id: number): number | undefined {
  const start = string.format("%d ", id);
  for (const index of $range(0, lines.length - 1)) {
    if (string.sub(lines[index], 1, start.length) === start) return index;
  }
  return undefined;
}

/**
 * Returns the index of the line of the server at an address, however that is written. A state of version
 * 0.1.0 may have servers whose addresses differ only in spelling; then the exact spelling is preferred.
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
