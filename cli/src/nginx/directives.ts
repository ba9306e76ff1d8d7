import { Failure } from "../failure";
import { Tokenizer, type Word } from "./tokens";

/** Parses the directives of a configuration of nginx. */

export interface Directive {
  name: string;
  args: string[];
  file: string;
  line: number;
  /** The directives of its block; undefined: it has none. */
  block: Directive[] | undefined;
}

const LUA_BLOCK = /_by_lua_block$/;

export function parseDirectives(file: string, text: string): Directive[] {
  return new Parser(file, text).parse();
}

class Parser {
  private readonly tokens: Tokenizer;

  constructor(
    private readonly file: string,
    text: string,
  ) {
    this.tokens = new Tokenizer(file, text);
  }

  parse(): Directive[] {
    return this.directives(undefined);
  }

  /** Parses directives up to the end of a block, or of the file. */
  private directives(opened: Directive | undefined): Directive[] {
    const directives: Directive[] = [];
    for (;;) {
      const token = this.tokens.next();
      if (token === undefined) {
        if (opened === undefined) return directives;
        throw new Failure(`${this.file}:${opened.line}: the block of "${opened.name}" has no end`);
      }
      if (token.kind === "}" && opened !== undefined) return directives;
      if (token.kind !== "word") throw new Failure(`${this.file}:${token.line}: unexpected "${token.kind}"`);
      directives.push(this.directive(token));
    }
  }

  private directive({ text: name, line }: Word): Directive {
    const directive: Directive = { name, args: [], file: this.file, line, block: undefined };
    for (;;) {
      const token = this.tokens.next();
      if (token?.kind === "word") directive.args.push(token.text);
      else if (token?.kind === ";") return directive;
      else if (token?.kind === "{") {
        if (LUA_BLOCK.test(name)) {
          this.tokens.skipLua();
          directive.block = [];
        } else directive.block = this.directives(directive);
        return directive;
      } else throw new Failure(`${this.file}:${line}: the directive "${name}" is not terminated by ";"`);
    }
  }
}
