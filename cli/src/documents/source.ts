import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from "yaml";
import { Failure, messageOf } from "../failure";

/** A file in YAML or JSON, and the lines of its values. */

export type Path = readonly (string | number)[];

export class Source {
  private constructor(
    readonly file: string,
    private readonly document: Document,
    private readonly lines: LineCounter,
    readonly value: unknown,
  ) {}

  /** Parses a text. JSON is YAML, too. */
  static parse(file: string, text: string): Source {
    const lineCounter = new LineCounter();
    const document = parseDocument(text, { lineCounter, prettyErrors: false, merge: true, stringKeys: true });
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) {
      const { line } = lineCounter.linePos(problem.pos[0]);
      throw new Failure(`${file}:${line}: ${problem.message.replace(/\s+/g, " ").trim()}`);
    }
    try {
      return new Source(file, document, lineCounter, document.toJS());
    } catch (cause) {
      throw new Failure(`${file}: ${messageOf(cause)}`);
    }
  }

  /** Returns the file and the line of a path, or of the last part of it that is there. */
  placeOf(path: Path): string {
    let node: unknown = this.document.contents;
    let place: unknown = node;
    for (const part of path) {
      const next = this.memberOf(node, part);
      if (next === undefined) break;
      ({ node, place } = next);
    }
    const start = isNode(place) ? place.range?.[0] : undefined;
    return start === undefined ? this.file : `${this.file}:${this.lines.linePos(start).line}`;
  }

  /** Returns a member of a node, and the node where it begins: its name, or the item of a list. */
  private memberOf(node: unknown, part: string | number): { node: unknown; place: unknown } | undefined {
    const target = isAlias(node) ? node.resolve(this.document) : node;
    if (isSeq(target)) {
      const item = target.items[Number(part)];
      return item === undefined ? undefined : { node: item, place: item };
    }
    if (!isMap(target)) return undefined;
    const pair = target.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
    return pair === undefined ? undefined : { node: pair.value, place: pair.key };
  }

  /** Returns the path of a number that JSON does not have. */
  pathOfBadNumber(): Path | undefined {
    return badNumberIn(this.value, []);
  }
}

function badNumberIn(value: unknown, path: Path): Path | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : path;
  if (typeof value === "bigint") return path;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, member] of Object.entries(value)) {
    const found = badNumberIn(member, [...path, Array.isArray(value) ? Number(name) : name]);
    if (found !== undefined) return found;
  }
  return undefined;
}
