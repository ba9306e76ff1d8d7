/** An entry of a queue. It can be in one queue at a time. */
export interface FifoEntry {
  /** Its number in the queue; kept by the queue. */
  ticket: number;
}

/** A queue in the order of arrival. Any entry can also leave. */
export interface Fifo<T extends FifoEntry> {
  size: number;
  /** The ticket of the first entry, if there is one, and the last ticket given. */
  first: number;
  last: number;
  readonly entries: LuaTable<number, T>;
}

export function new_fifo<T extends FifoEntry>(): Fifo<T> {
  return { size: 0, first: 1, last: 0, entries: new LuaTable() };
}

/** Appends an entry. O(1). */
export function enqueue<T extends FifoEntry>(fifo: Fifo<T>, entry: T): void {
  fifo.last = fifo.last + 1;
  fifo.size = fifo.size + 1;
  entry.ticket = fifo.last;
  fifo.entries.set(entry.ticket, entry);
}

/** Returns the first entry; undefined: the queue is empty. */
export function first_of<T extends FifoEntry>(fifo: Fifo<T>): T | undefined {
  return fifo.entries.get(fifo.first);
}

/** Removes an entry of the queue, wherever it is. O(1), amortized. */
export function leave<T extends FifoEntry>(fifo: Fifo<T>, entry: T): void {
  fifo.entries.delete(entry.ticket);
  fifo.size = fifo.size - 1;
  while (fifo.first <= fifo.last && !fifo.entries.has(fifo.first)) fifo.first = fifo.first + 1;
}
