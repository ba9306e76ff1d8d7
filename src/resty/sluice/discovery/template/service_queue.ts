import { enqueue, first_of, leave, new_fifo, type Fifo, type FifoEntry } from "../../lib/fifo";

/** The services of a registry that are due to be asked, each once, in the order in which they became due. */

interface Due extends FifoEntry {
  name: string;
}

export interface ServiceQueue {
  fifo: Fifo<Due>;
  due: LuaTable<string, Due | undefined>;
}

/** Makes an empty queue. Pure, like all of this. */
export function new_service_queue(): ServiceQueue {
  return { fifo: new_fifo(), due: new LuaTable() };
}

/** Appends those services that are not in the queue. The others keep their places, so that none starves. */
export function add_services({ fifo, due }: ServiceQueue, names: LuaSet<string>): void {
  for (const name of names) {
    if (!due.has(name)) {
      const entry = { name, ticket: 0 };
      due.set(name, entry);
      enqueue(fifo, entry);
    }
  }
}

/** Removes a service, which need not be in the queue. */
export function drop_service({ fifo, due }: ServiceQueue, name: string): void {
  const entry = due.get(name);
  if (entry === undefined) return;
  due.delete(name);
  leave(fifo, entry);
}

/** Removes the first services of the queue, and returns their names. */
export function next_services(queue: ServiceQueue, most: number): string[] {
  const names: string[] = [];
  let first = first_of(queue.fifo);
  while (first !== undefined && names.length < most) {
    names.push(first.name);
    drop_service(queue, first.name);
    first = first_of(queue.fifo);
  }
  return names;
}
