import { Failure } from "../failure";

/** Splits a configuration of nginx into tokens, as `ngx_conf_read_token` does. */

export interface Word {
  kind: "word";
  text: string;
  line: number;
}

export interface Sign {
  kind: ";" | "{" | "}";
  line: number;
}

export type Token = Word | Sign;

/** What a backslash and a character stand for. Before other characters the backslash stays. */
const ESCAPES: Record<string, string> = { '"': '"', "'": "'", "\\": "\\", t: "\t", r: "\r", n: "\n" };

const isSpace = (character: string | undefined) => character !== undefined && " \t\r\n".includes(character);

export class Tokenizer {
  private position = 0;
  private line = 1;

  constructor(
    private readonly file: string,
    private readonly text: string,
  ) {
    // A byte order mark.
    if (text.startsWith("\ufeff")) this.position = 1;
  }

  /** Returns the next token; undefined: the file ends. */
  next(): Token | undefined {
    this.skipBlanks();
    const { line } = this;
    const character = this.text[this.position];
    if (character === undefined) return undefined;
    if (character === ";" || character === "{" || character === "}") {
      this.position += 1;
      return { kind: character, line };
    }
    const text = character === '"' || character === "'" ? this.quoted(character) : this.plain();
    return { kind: "word", text, line };
  }

  /**
   * Skips a block of Lua, whose opening brace has been read. Braces in its strings and comments do not count.
   */
  skipLua(): void {
    const { line } = this;
    // In this order: long comments, comments, long strings, strings, braces, line ends.
    const pattern =
      /--\[(=*)\[.*?\]\1\]|--[^\n]*|\[(=*)\[.*?\]\2\]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{}]/gs;
    pattern.lastIndex = this.position;
    let depth = 1;
    for (let found = pattern.exec(this.text); found !== null; found = pattern.exec(this.text)) {
      if (found[0] === "{") depth += 1;
      else if (found[0] === "}") depth -= 1;
      if (depth === 0) {
        this.moveTo(pattern.lastIndex);
        return;
      }
    }
    throw new Failure(`${this.file}:${line}: the block of Lua has no end`);
  }

  private moveTo(position: number): void {
    for (; this.position < position; this.position += 1)
      if (this.text[this.position] === "\n") this.line += 1;
  }

  private skipBlanks(): void {
    for (;;) {
      const character = this.text[this.position];
      if (character === "#") {
        const end = this.text.indexOf("\n", this.position);
        this.position = end < 0 ? this.text.length : end;
      } else if (isSpace(character)) this.moveTo(this.position + 1);
      else return;
    }
  }

  private escape(): string {
    const next = this.text[this.position + 1] ?? "";
    this.moveTo(this.position + 2);
    return ESCAPES[next] ?? `\\${next}`;
  }

  private quoted(quote: string): string {
    const { line } = this;
    let text = "";
    this.position += 1;
    for (;;) {
      const character = this.text[this.position];
      if (character === undefined) throw new Failure(`${this.file}:${line}: the quoted text has no end`);
      if (character === quote) break;
      if (character === "\\") text += this.escape();
      else {
        text += character;
        this.moveTo(this.position + 1);
      }
    }
    this.position += 1;
    const after = this.text[this.position];
    if (after !== undefined && !isSpace(after) && !";{)".includes(after))
      throw new Failure(`${this.file}:${this.line}: unexpected "${after}" after a quoted text`);
    return text;
  }

  private plain(): string {
    let text = "";
    for (;;) {
      const character = this.text[this.position];
      if (character === undefined || isSpace(character) || character === ";") return text;
      // The brace of a variable such as ${uri} belongs to the word.
      if (character === "{" && !text.endsWith("$")) return text;
      if (character === "\\") text += this.escape();
      else {
        text += character;
        this.position += 1;
      }
    }
  }
}
