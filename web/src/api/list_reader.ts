/**
 * Parses an object with one long list in pieces, as the text arrives. `JSON.parse` of the whole text would
 * stop the page for longer than a frame.
 */

const QUOTE = 34;
const BACKSLASH = 92;
const OPENING = [91, 123];
const CLOSING = [93, 125];

export class ListReader {
  /** The text before the list, with its opening bracket. */
  private head = "";
  private isInside = false;
  /** The elements, and after the list the text that follows it. */
  private rest = "";
  private scanned = 0;
  private depth = 0;
  private isString = false;
  private isEscaped = false;
  private isComplete = false;
  readonly elements: unknown[] = [];

  /** @param member the name of the list. No text of the object may contain it as the name of another list. */
  constructor(private readonly member: string) {}

  push(piece: string): void {
    this.rest += piece;
    if (!this.isInside && !this.enter()) return;
    if (!this.isComplete) this.scan();
  }

  /** Returns the object, with its list. Call it after the last piece. */
  end(): Record<string, unknown> {
    if (!this.isInside) return JSON.parse(this.rest) as Record<string, unknown>;
    const object = JSON.parse(this.head + this.rest) as Record<string, unknown>;
    return { ...object, [this.member]: this.elements };
  }

  /** Finds the beginning of the list. In a string its quotes would be escaped. */
  private enter(): boolean {
    const start = `"${this.member}":[`;
    const found = this.rest.indexOf(start);
    if (found < 0) return false;
    this.head = this.rest.slice(0, found + start.length);
    this.rest = this.rest.slice(found + start.length);
    this.isInside = true;
    return true;
  }

  /** Parses the elements that are complete. */
  private scan(): void {
    let complete = 0;
    let index = this.scanned;
    for (; index < this.rest.length && this.depth >= 0; index++) {
      if (this.step(this.rest.charCodeAt(index)) && this.depth === 0) complete = index + 1;
    }
    this.take(complete);
    this.isComplete = this.depth < 0;
    // The closing bracket of the list stays, to end the list of the head.
    const kept = this.isComplete ? index - 1 : complete;
    this.rest = this.rest.slice(kept);
    this.scanned = index - kept;
  }

  /** Takes one character. Returns whether it closes something. */
  private step(code: number): boolean {
    if (this.isString) {
      if (this.isEscaped) this.isEscaped = false;
      else if (code === BACKSLASH) this.isEscaped = true;
      else if (code === QUOTE) this.isString = false;
      return false;
    }
    if (code === QUOTE) this.isString = true;
    else if (OPENING.includes(code)) this.depth += 1;
    else if (CLOSING.includes(code)) {
      this.depth -= 1;
      return true;
    }
    return false;
  }

  private take(end: number): void {
    if (end === 0) return;
    const text = this.rest.slice(0, end).replace(/^\s*,/, "");
    for (const element of JSON.parse(`[${text}]`) as unknown[]) this.elements.push(element);
  }
}
