import type { FileConfig } from "../config/sources/file";
import { read_items } from "../lib/json_items";
import { new_pause } from "../lib/pause";
import type { Result } from "../lib/result";
import { state_of } from "../store/disk/stat";
import { entry_of } from "./entry";
import { note_success, rest, source_per_upstream } from "./session";
import { CONFIRM_SECONDS, type Entry, type Source, type Subscription } from "./source";
import { answer } from "./subscription";

/** A file `{"servers": […]}`, in which each server is an object of parameters or an address. */

interface FileSession {
  subscription: Subscription;
  path: string;
  /** The version of the file that was read last. */
  version: string | undefined;
}

const LARGEST_FILE = 16 * 1024 * 1024;
/** Time from one check of the file to the next, in seconds. */
const CHECK_SECONDS = math.min(1, CONFIRM_SECONDS);

function read_text(path: string): Result<string> {
  const [file, cause] = io.open(path, "rb");
  if (file === undefined) return $multi(undefined, cause);
  const text = file.read(LARGEST_FILE + 1) ?? "";
  file.close();
  if (text.length > LARGEST_FILE) return $multi(undefined, `${path} is larger than ${LARGEST_FILE} bytes`);
  return $multi(text, undefined);
}

/** Reads the list of servers in slices, however long it is. */
function read_entries(path: string): Result<Entry[]> {
  const [text, cause] = read_text(path);
  if (text === undefined) return $multi(undefined, cause);
  const entries: Entry[] = [];
  const pause = new_pause();
  const [is_there, reason] = read_items(text, "servers", pause, (item) => {
    const parameters = typeof item === "string" ? { server: item } : item;
    entries.push(entry_of(`servers[${entries.length}]`, parameters));
    pause();
  });
  if (is_there === undefined) return $multi(undefined, `${path} is not JSON: ${reason ?? ""}`);
  if (!is_there) return $multi(undefined, `${path} has no list "servers"`);
  return $multi(entries, undefined);
}

/** Reads the file if it may have changed, and rests. Returns the cause of a failure. */
function read_if_changed(session: FileSession): string | undefined {
  const { subscription, path } = session;
  const [state, cause] = state_of(path);
  if (state === undefined) return `${path}: ${cause}`;
  if (!state.is_regular) return `${path} is not a regular file`;
  if (state.size > LARGEST_FILE) return `${path} is larger than ${LARGEST_FILE} bytes`;
  const is_known = state.version !== undefined && state.version === session.version;
  if (!is_known || !subscription.is_settled) {
    const [entries, failure] = read_entries(path);
    if (entries === undefined) return failure;
    session.version = state.version;
    answer(subscription, entries, "");
  }
  note_success(subscription.feed);
  rest(subscription.feed, CHECK_SECONDS);
  return undefined;
}

/** Reads a file again whenever it has changed. */
export const file: Source = source_per_upstream<FileConfig>("file", (subscription, { path }) => {
  const session: FileSession = { subscription, path, version: undefined };
  return { step: () => read_if_changed(session) };
});
