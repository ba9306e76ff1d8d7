/** What can wait in a line: in one at a time. */
export interface FifoEntry {
  /** Its number in the line; kept by the line. */
  ticket: number;
}

/** First come, first served; who waits may also leave. */
export interface Fifo<T extends FifoEntry> {
  size: number;
  /** The ticket of the first, if anybody waits, and the one given last. */
  first: number;
  last: number;
  readonly entries: LuaTable<number, T>;
}

/** Makes an empty line. Any phase. */
export function new_fifo<T extends FifoEntry>(): Fifo<T> {
  return { size: 0, first: 1, last: 0, entries: new LuaTable() };
}

/** Lets somebody in at the end. O(1). */
export function enqueue<T extends FifoEntry>(fifo: Fifo<T>, entry: T): void {
  fifo.last = fifo.last + 1;
  fifo.size = fifo.size + 1;
  entry.ticket = fifo.last;
  fifo.entries.set(entry.ticket, entry);
}

/** Who is first; undefined: nobody waits. */
export function first_of<T extends FifoEntry>(fifo: Fifo<T>): T | undefined {
  return fifo.entries.get(fifo.first);
}

/** Takes out an entry that is in the line, wherever it stands. O(1), over all calls. */
export function leave<T extends FifoEntry>(fifo: Fifo<T>, entry: T): void {
  fifo.entries.delete(entry.ticket);
  fifo.size = fifo.size - 1;
  while (fifo.first <= fifo.last && !fifo.entries.has(fifo.first)) fifo.first = fifo.first + 1;
}
