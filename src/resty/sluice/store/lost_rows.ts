import { new_job } from "../lib/job";
import { new_pause } from "../lib/pause";
import { parse_head } from "./document/document";
import { lines_in, numbers_in } from "./document/line";
import type { RowNumber } from "./memory/cells";
import { list_names } from "./memory/changes";
import { get_text } from "./memory/dict";
import { Header } from "./memory/header_cells";
import { Lock, release, try_acquire, with_write_lock } from "./memory/lock";
import { shared_memory } from "./memory/region";
import { forget_free_rows, free_row } from "./memory/rows";
import { repair } from "./unfinished";

/**
 * Rows that nobody would use again after the death of a writer: those of a change that it had not published,
 * or those that it had not freed yet after one that it had published.
 */

const REST_SECONDS = 60;

/** Adds the rows that an upstream uses. */
function add_rows(used: LuaSet<RowNumber>, name: string, pause: (this: void) => void): void {
  const text = get_text(name);
  if (text === undefined) return;
  const [head, start] = parse_head(text);
  used.add(head.row);
  for (const { row } of head.leavers) used.add(row);
  for (const [line] of lines_in(text, start)) {
    const [, , row] = numbers_in(line);
    used.add(row);
    pause();
  }
}

/** Makes the list of free rows anew. The caller holds the write lock. */
function free_unused(pause: (this: void) => void): void {
  repair();
  const used = new LuaSet<RowNumber>();
  for (const name of list_names()) {
    add_rows(used, name, pause);
    pause();
  }
  const memory = shared_memory();
  forget_free_rows();
  for (const number of $range(1, memory[Header.NEXT_ROW] - 1)) {
    const row = number as RowNumber;
    if (!used.has(row)) free_row(row);
    pause();
  }
  memory[Header.WRITER_DIED] = 0;
}

/** Returns whether a writer has died since the last time. */
function has_died(): boolean {
  const memory = shared_memory();
  // The next one that takes the lock notes the death of the one before.
  if (memory[Header.LOCK_HELD] === 1 && try_acquire(Lock.WRITE)) release(Lock.WRITE);
  return memory[Header.WRITER_DIED] === 1;
}

function free_lost(this: void): string | undefined {
  if (!has_died()) return undefined;
  const [, busy] = with_write_lock(() => {
    free_unused(new_pause());
  });
  return busy;
}

/** Frees the rows that a dead writer has left. Phase: timer, in one worker. */
export const free_lost_rows = new_job({
  verb: "free the rows of a writer that has died",
  rest: REST_SECONDS,
  run: free_lost,
});
