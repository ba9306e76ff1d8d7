import { Header } from "./header_cells";
import { shared_memory } from "./region";

/** How long writes take, from the lock to the publication: a histogram in cells that all workers share. */

/** The inclusive upper bounds of the numbers, in seconds; one more number counts the slower writes. */
export const WRITE_BOUNDS = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1];

/** Counts the time of a write. The caller holds the write lock. */
export function count_write_time(seconds: number): void {
  const memory = shared_memory();
  let index = 0;
  while (index < WRITE_BOUNDS.length && seconds > WRITE_BOUNDS[index]) index += 1;
  const cell = Header.FIRST_WRITE_TIME + index;
  memory[cell] = memory[cell] + 1;
  memory[Header.WRITE_SECONDS] = memory[Header.WRITE_SECONDS] + seconds;
}

/** Returns the number of writes in each bucket since nginx started. Any phase. */
export function write_times(): number[] {
  const memory = shared_memory();
  const counts: number[] = [];
  for (const cell of $range(Header.FIRST_WRITE_TIME, Header.LAST_WRITE_TIME)) counts.push(memory[cell]);
  return counts;
}
