/** Reads `text/event-stream`, as the HTML Standard defines it. */

export interface StreamEvent {
  /** The last id so far. An event without data only tells this id. */
  id: string;
  event: string;
  data: string;
}

/** Takes pieces of a stream, and calls `onEvent` for each complete event in them. */
export class StreamReader {
  private rest = "";
  private id = "";
  private event = "";
  private data: string[] = [];
  private hasId = false;

  constructor(private readonly onEvent: (event: StreamEvent) => void) {}

  push(piece: string): void {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  private line(line: string): void {
    if (line === "") {
      this.end();
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") {
      this.id = value;
      this.hasId = true;
    } else if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
  }

  private end(): void {
    const { id, event, data, hasId } = this;
    this.hasId = false;
    this.event = "";
    this.data = [];
    if (data.length > 0 || hasId)
      this.onEvent({ id, event: event === "" ? "message" : event, data: data.join("\n") });
  }
}
