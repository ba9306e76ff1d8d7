import { no_pause } from "../../lib/pause";
import type { Result } from "../../lib/result";
import { set_of } from "../../lib/tables";
import { names, read } from "../document/read";
import { deleted_seeds } from "../memory/seeds";
import { end_image, format_deleted_seed, format_in_image, start_image, type ImageWriter } from "./journal";
import * as disk from "./writer";

const NAMES_A_PIECE = 32;

/** Returns the lines of the upstreams `first` to `last`, except those that were deleted meanwhile. */
function lines_of(
  writer: ImageWriter,
  all: readonly string[],
  [first, last]: readonly [first: number, last: number],
  pause: (this: void) => void,
): string {
  const lines: string[] = [];
  for (const index of $range(first, last)) {
    const document = read(all[index]);
    if (document !== undefined) lines.push(format_in_image(writer, all[index], document));
    pause();
  }
  return table.concat(lines);
}

/**
 * Returns the lines of the deleted seeds that the image does not hold as upstreams. What is deleted while it
 * is written is in the journal.
 */
export function deletions_of(writer: ImageWriter, all: readonly string[]): string {
  const present = set_of(all);
  const absent = deleted_seeds().filter((name) => !present.has(name));
  return absent.map((name) => format_deleted_seed(writer, name)).join("");
}

/**
 * Writes an image of the dict. `pause` is called between upstreams, which may change meanwhile: the journal's
 * lines after `revision` make up for the later changes that the image holds or misses. `last_revision`
 * returns the highest revision that it may hold, once the disk holds the journal up to there. The caller
 * holds the lock of images.
 */
export function save_image(
  revision: number,
  pause: (this: void) => void,
  last_revision: (this: void) => Result<number>,
): Result<true> {
  const all = names();
  const [writer, start] = start_image(revision);
  return disk.write_image((append) => {
    let failure = append(start + deletions_of(writer, all));
    for (const first of $range(0, all.length - 1, NAMES_A_PIECE)) {
      if (failure !== undefined) return failure;
      const last = math.min(first + NAMES_A_PIECE, all.length) - 1;
      failure = append(lines_of(writer, all, [first, last], pause));
    }
    if (failure !== undefined) return failure;
    const [until, cause] = last_revision();
    return until === undefined ? cause : append(end_image(writer, until));
  });
}

/** Writes an image of the state at `revision` without pauses, and starts a journal. Phase: init_by_lua. */
export function save_state(revision: number): Result<true> {
  const [saved, cause] = save_image(revision, no_pause, () => $multi(revision, undefined));
  if (saved === undefined) return $multi(undefined, cause);
  return disk.restart_journal(revision);
}
