import * as ffi from "ffi";

import * as clock from "../../lib/clock";
import type { Result } from "../../lib/result";
import { set_of } from "../../lib/tables";
import * as posix from "../memory/posix";
import { flaw_of_log, flaw_of_output, is_at } from "./stat";

/**
 * A file that workers append lines to. As nginx's logs, it is opened before the workers are forked. Programs
 * that rotate logs move it; nginx cannot tell Lua about SIGUSR1, so each worker looks whether it was moved.
 *
 * In a container the log can also be an output of nginx, which is not moved.
 */
export interface AppendLog {
  readonly path: string;
  fd: number;
  /** Closes the file when the Lua VM ends, as that of an earlier configuration does in the master. */
  closer: ffi.CData;
  next_look: clock.Moment;
  /** Why the file cannot be opened again after it was moved; undefined: it is at its path. */
  moved: string | undefined;
  /** True: the last line was written in part. */
  is_torn: boolean;
}

/** The shortest time from one look at the path to the next, in seconds. */
const LOOK_SECONDS = 1;

/** The outputs of nginx. */
const OUTPUTS = set_of(["/dev/stdout", "/dev/stderr"]);

function open_file(path: string): Result<number> {
  const is_output = OUTPUTS.has(path);
  const [fd, cause] = is_output ? posix.open_output(path) : posix.open_log(path);
  if (fd === undefined) return $multi(undefined, cause);
  const flaw = is_output ? flaw_of_output(fd) : flaw_of_log(fd);
  if (flaw === undefined) return $multi(fd, undefined);
  posix.close_file(fd);
  return $multi(undefined, flaw);
}

function new_closer(fd: number): ffi.CData {
  return ffi.gc(ffi.new("char[1]"), () => {
    posix.close_file(fd);
  });
}

/** Opens a log, or returns undefined and the cause. Phase: init_by_lua. */
export function open_append_log(path: string): Result<AppendLog> {
  const [fd, cause] = open_file(path);
  if (fd === undefined) return $multi(undefined, cause);
  const next_look = OUTPUTS.has(path) ? math.huge : 0;
  return $multi({ path, fd, closer: new_closer(fd), next_look, moved: undefined, is_torn: false }, undefined);
}

/** Opens the file again if it was moved or removed. */
function follow_path(log: AppendLog): void {
  const now = clock.now();
  if (now < log.next_look) return;
  log.next_look = now + LOOK_SECONDS;
  log.moved = undefined;
  if (is_at(log.path, log.fd)) return;
  const [fd, cause] = open_file(log.path);
  if (fd === undefined) {
    log.moved = `it was moved and cannot be opened again, so lines go on to the old file: ${cause ?? ""}`;
    return;
  }
  log.fd = fd;
  // The old file is closed when its closer is collected.
  log.closer = new_closer(fd);
  log.is_torn = false;
}

/** Appends a line, which ends with a line feed. Returns the cause of a failure. Any phase. */
export function append_line(log: AppendLog, line: string): string | undefined {
  follow_path(log);
  const text = log.is_torn ? `\n${line}` : line;
  const [written, cause] = posix.append(log.fd, text);
  if (written === undefined) return cause;
  log.is_torn = written < text.length;
  if (!log.is_torn) return log.moved;
  return OUTPUTS.has(log.path) ? "its reader is too slow" : "No space left on device";
}
