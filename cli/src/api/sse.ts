import { StreamReader, type StreamEvent } from "../../../web/src/api/sse";

export type { StreamEvent };

/** Yields the events of `text/event-stream` as they arrive. */
export async function* eventsOf(pieces: AsyncIterable<string>): AsyncGenerator<StreamEvent> {
  const complete: StreamEvent[] = [];
  const reader = new StreamReader((event) => complete.push(event));
  for await (const piece of pieces) {
    reader.push(piece);
    yield* complete.splice(0);
  }
}
