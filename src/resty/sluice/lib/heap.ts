/** An entry of a heap. It can be in one heap at a time. */
export interface HeapEntry {
  /** The key that the heap is ordered by; it must not change while the entry is in a heap. */
  key: number;
  /** Its index in the heap's array; kept by the heap. */
  place: number;
}

/** A binary heap, smallest key first. */
export interface Heap<T extends HeapEntry> {
  size: number;
  readonly entries: LuaTable<number, T>;
}

export function new_heap<T extends HeapEntry>(): Heap<T> {
  return { size: 0, entries: new LuaTable() };
}

function rise<T extends HeapEntry>(entries: LuaTable<number, T>, entry: T, from: number): void {
  const key = entry.key;
  let place = from;
  while (place > 1) {
    const parent_place = math.floor(place / 2);
    const parent = entries.get(parent_place);
    if (parent.key <= key) break;
    entries.set(place, parent);
    parent.place = place;
    place = parent_place;
  }
  entries.set(place, entry);
  entry.place = place;
}

function sink<T extends HeapEntry>(entries: LuaTable<number, T>, size: number, entry: T, from: number): void {
  const key = entry.key;
  let place = from;
  let child_place = place * 2;
  while (child_place <= size) {
    let child = entries.get(child_place);
    if (child_place < size) {
      const sibling = entries.get(child_place + 1);
      if (sibling.key < child.key) {
        child = sibling;
        child_place = child_place + 1;
      }
    }
    if (key <= child.key) break;
    entries.set(place, child);
    child.place = place;
    place = child_place;
    child_place = place * 2;
  }
  entries.set(place, entry);
  entry.place = place;
}

/** Adds `entry`. O(log n). */
export function push<T extends HeapEntry>(heap: Heap<T>, entry: T): void {
  heap.size = heap.size + 1;
  rise(heap.entries, entry, heap.size);
}

/** Removes `entry`, which must be in this heap. O(log n). */
export function remove<T extends HeapEntry>(heap: Heap<T>, entry: T): void {
  const entries = heap.entries;
  const place = entry.place;
  const last = entries.get(heap.size);
  entries.delete(heap.size);
  heap.size = heap.size - 1;
  if (last === entry) return;
  rise(entries, last, place);
  if (last.place === place) sink(entries, heap.size, last, place);
}

/** Removes and returns the entry with the smallest key; the heap must not be empty. O(log n). */
export function pop<T extends HeapEntry>(heap: Heap<T>): T {
  const entries = heap.entries;
  const first = entries.get(1);
  const last = entries.get(heap.size);
  entries.delete(heap.size);
  heap.size = heap.size - 1;
  if (last !== first) sink(entries, heap.size, last, 1);
  return first;
}
