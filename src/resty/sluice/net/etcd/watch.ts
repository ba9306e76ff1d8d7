import { encode } from "../../lib/json";
import type { Result } from "../../lib/result";
import { decode_as, unexpected, type Schema } from "../../lib/schema";
import { is_quiet, next_line, open_stream, type Stream } from "../stream";
import { ETCD, etcd_request, type EtcdClient } from "./client";
import { KEY_VALUE, keys_of, read_key_value, type RawKeyValue } from "./keys";
import type { Range } from "./prefix";

/**
 * Watches a range of keys. Each stream has one watch: etcd's gateway reads no more after it began to answer.
 */

export interface KeyEvent {
  key: string;
  /** The new value; undefined: the key was deleted. */
  value: string | undefined;
  revision: number;
}

interface RawEvent {
  type?: string;
  kv?: RawKeyValue;
}

interface RawResult {
  events?: RawEvent[];
  canceled?: boolean;
  cancel_reason?: string;
  compact_revision?: string;
}

const MESSAGE: Schema = {
  members: {
    result: {
      members: {
        events: { items: { members: { type: "string", kv: KEY_VALUE } } },
        canceled: "boolean",
        cancel_reason: "string",
        compact_revision: "digits",
      },
    },
  },
};

const TIMEOUT_SECONDS = 2;
const LONGEST_LINE = 67108864;

/** Opens a watch from a revision on. `close_stream` ends it. Phases that have cosockets. */
export function open_watch(client: EtcdClient, range: Range, from: number): Result<Stream> {
  const start_revision = string.format("%d", from);
  const body = encode({ create_request: { ...keys_of(range), start_revision } });
  const text = etcd_request(client, "/v3/watch", body);
  return open_stream(client.service.destination, text, TIMEOUT_SECONDS, LONGEST_LINE);
}

function cause_of({ canceled, cancel_reason, compact_revision }: RawResult): string | undefined {
  if ((tonumber(compact_revision) ?? 0) > 0) return "etcd has compacted the changes since the last revision";
  return canceled === true ? `the watch was cancelled: ${cancel_reason ?? ""}` : undefined;
}

/** Waits at most some seconds for changes. Returns an empty list if there were none. */
export function next_events(stream: Stream, seconds: number): Result<KeyEvent[]> {
  const [line, cause] = next_line(stream, seconds);
  if (line === undefined && is_quiet(cause)) return $multi([], undefined);
  if (line === undefined) return $multi(undefined, cause);
  const [message, misfit] = decode_as<{ result?: RawResult }>(ETCD, line, MESSAGE);
  if (message === undefined) return $multi(undefined, misfit);
  const { result } = message;
  if (result === undefined) return $multi(undefined, `the watch has failed: ${string.sub(line, 1, 200)}`);
  const failed = cause_of(result);
  if (failed !== undefined) return $multi(undefined, failed);
  const events: KeyEvent[] = [];
  for (const { type: kind, kv } of result.events ?? []) {
    if (kv === undefined) return $multi(undefined, unexpected(ETCD, 'an event has no "kv"'));
    const { key, value, revision } = read_key_value(kv);
    events.push({ key, value: kind === "DELETE" ? undefined : value, revision });
  }
  return $multi(events, undefined);
}
