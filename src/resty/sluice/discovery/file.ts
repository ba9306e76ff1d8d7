import type { FileConfig } from "../config/sources/file";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { read_items } from "../lib/json_items";
import { new_pause } from "../lib/slices";
import { sleep_until } from "../net/wait";
import { state_of } from "../store/disk/stat";
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

/** Reads a list of any length in slices. */
function read_entries(path: string): LuaMultiReturn<[Entry[] | undefined, string | undefined]> {
  const [text, cause] = read_text(path);
  if (text === undefined) return $multi(undefined, cause);
  const entries: Entry[] = [];
  const pause = new_pause();
  const [is_there, reason] = read_items(text, "servers", pause, (item) => {
    const parameters = typeof item === "string" ? { server: item } : item;
    entries.push(entry_of(`servers[${entries.length}]`, parameters));
    pause();
  });
  if (is_there === undefined) return $multi(undefined, `${path}: not JSON: ${reason ?? ""}`);
  if (!is_there) return $multi(undefined, `${path}: there is no list "servers"`);
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
