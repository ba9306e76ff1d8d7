import type { FileConfig } from "../config/sources/file";
import * as clock from "../lib/clock";
import { decode, encode, is_table } from "../lib/json";
import { sleep_until } from "../net/wait";
import { state_of } from "../store/stat";
import { entry_of } from "./entry";
import { CONFIRM_SECONDS, type Entry, type Feed, type Source, type Subscription } from "./source";
import { answer, config_of, is_closed, note_success, only_subscription, run_session } from "./subscription";

/** A file: `{"servers": […]}`, each an object of parameters or an address. The workers must be allowed to read it. */

interface Session {
  feed: Feed;
  subscription: Subscription;
  path: string;
  /** Of the file, when it was last read. */
  version: string | undefined;
}

const LARGEST_FILE = 16 * 1024 * 1024;
/** Seconds from one look at the file to the next. */
const INTERVAL = 1;

/** Reads what is not too large. */
function read_text(path: string): LuaMultiReturn<[string | undefined, string | undefined]> {
  const [file, cause] = io.open(path, "rb");
  if (file === undefined) return $multi(undefined, cause);
  const text = file.read(LARGEST_FILE + 1) ?? "";
  file.close();
  if (text.length > LARGEST_FILE) return $multi(undefined, `${path}: larger than ${LARGEST_FILE} bytes`);
  return $multi(text, undefined);
}

/** The `servers` of what the file holds; undefined: there is no such list. */
function listed(value: unknown): unknown[] | undefined {
  const servers = is_table(value) ? value.servers : undefined;
  if (!is_table(servers)) return undefined;
  const items = servers as unknown as unknown[];
  const is_empty = next(servers)[0] === undefined;
  return is_empty || items[0] !== undefined ? items : undefined;
}

function read_entries(path: string): LuaMultiReturn<[Entry[] | undefined, string | undefined]> {
  const [text, cause] = read_text(path);
  if (text === undefined) return $multi(undefined, cause);
  const [value, reason] = decode(text);
  if (value === undefined) return $multi(undefined, `${path}: not JSON: ${reason ?? ""}`);
  const items = listed(value);
  if (items === undefined) return $multi(undefined, `${path}: there is no list "servers"`);
  const entries: Entry[] = [];
  for (const [number, item] of ipairs(items)) {
    const parameters = typeof item === "string" ? { server: item } : item;
    entries.push(entry_of(`servers[${number - 1}]`, parameters));
  }
  return $multi(entries, undefined);
}

/** Looks at the file, reads it if it may hold something new, and rests. Returns the cause when that fails. */
function look(session: Session): string | undefined {
  const { feed, subscription, path } = session;
  const [state, cause] = state_of(path);
  if (state === undefined) return `${path}: ${cause}`;
  if (!state.is_regular) return `${path}: not a file`;
  if (state.size > LARGEST_FILE) return `${path}: larger than ${LARGEST_FILE} bytes`;
  const is_known = state.version !== undefined && state.version === session.version;
  if (!is_known || !subscription.is_settled) {
    const [entries, failure] = read_entries(path);
    if (entries === undefined) return failure;
    session.version = state.version;
    answer(subscription, entries, "");
  }
  note_success(feed);
  sleep_until(clock.now() + math.min(INTERVAL, CONFIRM_SECONDS), () => is_closed(feed));
  return undefined;
}

function follow(this: void, feed: Feed): string | undefined {
  const subscription = only_subscription(feed);
  const { path } = config_of<FileConfig>(subscription);
  const session: Session = { feed, subscription, path, version: undefined };
  return run_session(feed, () => look(session));
}

export const file: Source = {
  key_of: (name, config) => encode(["file", name, config]),
  follow,
};
