import { canonical_address } from "../../config/address";
import { block, copy_of, optional, order_blocks, required, type ConfigOf } from "../../config/block";
import { SETTINGS, type UpstreamSettings } from "../../config/settings";
import { list_of, number_from, read_string } from "../../config/values";
import { decode, encode_over, shape } from "../../lib/json";
import { rest } from "../../lib/rest";
import type { RowNumber } from "../memory/cells";
import { read_host } from "./host";
import { address_in, parse_line, type ServerRecord } from "./line";
import { LARGEST_WHOLE, read_iso8601, read_secret, read_true, read_version, read_whole } from "./readers";

/** An upper bound on `scaling.wait`, in seconds; far longer than the call of a webhook takes. */
const LONGEST_WAIT = 3600;

/** The members of a stored record: one that is optional may be undefined as well. */
export type Stored<T> = {
  [Name in keyof T]: Partial<Pick<T, Name>> extends Pick<T, Name> ? T[Name] | undefined : T[Name];
};

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

/** A removed server, and when a drain job removed it, in ISO 8601. */
const DRAINED = block({
  id: required(read_whole),
  server: required(read_string),
  time: required(read_iso8601),
});
export type Drained = ConfigOf<typeof DRAINED>;

/** What the next decision to scale depends on. */
export const SCALING = block({
  id: required(read_string),
  /** When it was made, or its call answered: seconds since 1970, by the clock of the deciding gateway. */
  time: required(number_from(-LARGEST_WHOLE, LARGEST_WHOLE)),
  /** For so many seconds the call may be under way, if its gateway lives. Absent: none, or answered. */
  wait: optional(number_from(0, LONGEST_WAIT)),
  /** Version 0.1.0 stored this time of day instead of `wait`. It is dropped. */
  until: optional<never>(() => $multi(undefined, undefined)),
});
export type Scaling = Stored<ConfigOf<typeof SCALING>>;

/** A call of a webhook. */
export const CALL = block({
  /** The id of the decision. */
  id: required(read_string),
  body: required(read_string),
  /** The call has been answered, but the other gateways do not know yet. */
  is_heard: optional(read_true),
});
export type Call = Stored<ConfigOf<typeof CALL>>;

/** What the store keeps of an upstream beside its settings and its servers. */
export const BOOKKEEPING = block({
  /**
   * The secret of the sticky cookie's values, from the first such cookie to the end of the upstream. With the
   * secret a client could choose a server, so it appears in no answer and no log.
   */
  session_secret: optional(read_secret),
  next_id: required(read_whole),
  /** The servers with host names that are resolved, in the order of adding; absent: none. */
  hosts: optional(list_of(read_host, math.huge)),
  /** The id of the next server that this gateway finds in a registry; absent: the upstream is not shared. */
  next_local_id: optional(read_whole),
  /** The version that the gateways of a cluster share: etcd's history and revision; absent: not shared. */
  cluster_revision: optional(read_version),
  /** The version of the content before it was put back into an etcd that had lost it; absent: it was not. */
  cluster_origin: optional(read_version),
  scaling: optional(SCALING),
  /** The unanswered call of the webhook, at the gateway that made the decision; absent: none. */
  call: optional(CALL),
  /** The servers that drain jobs have removed recently, oldest first; absent: none. */
  drained: optional(list_of(DRAINED.read, math.huge, 0)),
});
export type Bookkeeping = Stored<ConfigOf<typeof BOOKKEEPING>>;

/** Copies the bookkeeping of an upstream, and nothing else. */
export function bookkeeping_of(from: Bookkeeping): Bookkeeping {
  return copy_of(BOOKKEEPING, from);
}

const HEAD = shape(SETTINGS.names, BOOKKEEPING.names, ["revision", "row", "leavers"]);

/**
 * Returns the JSON text of an object of a shape, whose other members are settings and bookkeeping of a
 * document. Their order is the same in all documents.
 */
export function encode_on(document: Document, object: object, its_shape: ReturnType<typeof shape>): string {
  order_blocks(SETTINGS, document);
  order_blocks(BOOKKEEPING, document);
  return encode_over(document, object, its_shape);
}

/** Writes a document as text. */
export function format_document(document: Document): string {
  const head = encode_on(document, {}, HEAD);
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
  const { lines } = document;
  let position = start;
  let [end] = string.find(text, "\n", position, true);
  while (end !== undefined && end > position) {
    lines.push(string.sub(text, position, end - 1));
    rest();
    position = end + 1;
    [end] = string.find(text, "\n", position, true);
  }
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
 * Returns the index of the line of an address. In a state of version 0.1.0, servers' addresses may differ
 * only in spelling; then the exact spelling is preferred.
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
