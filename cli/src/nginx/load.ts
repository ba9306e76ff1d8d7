import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { Failure, fileCause } from "../failure";
import { parseDirectives, type Directive } from "./directives";
import { glob, isPattern } from "./glob";

/** Reads a configuration of nginx with the files that it includes. */

/** What could not be read, and where. */
export interface Gap {
  file: string;
  line: number;
  text: string;
}

export interface Loaded {
  directives: Directive[];
  gaps: Gap[];
}

const DEEPEST = 20;

/** Returns a path as the user would write it. */
function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}

/** The path that stands for standard input. */
const STDIN = "-";

function read(path: string): string {
  return readFileSync(path === STDIN ? 0 : path, "utf8");
}

class Loader {
  readonly gaps: Gap[] = [];

  /** @param folder relative paths begin there, as in nginx: the folder of the main file */
  constructor(private readonly folder: string) {}

  /** Replaces each `include` by the directives of its files. */
  expand(directives: Directive[], depth: number): Directive[] {
    return directives.flatMap((directive) => {
      const [pattern] = directive.args;
      if (directive.name === "include" && directive.block === undefined && pattern !== undefined)
        return this.include(directive, pattern, depth);
      const { block } = directive;
      return [block === undefined ? directive : { ...directive, block: this.expand(block, depth) }];
    });
  }

  private include({ file, line }: Directive, pattern: string, depth: number): Directive[] {
    if (depth === DEEPEST) throw new Failure(`${file}:${line}: files include each other: ${pattern}`);
    const path = resolve(this.folder, pattern);
    const files = isPattern(path) ? glob(path) : [path];
    return files.flatMap((each) => {
      try {
        return this.expand(parseDirectives(shortPath(each), read(each)), depth + 1);
      } catch (cause) {
        if (cause instanceof Failure) throw cause;
        this.gaps.push({ file, line, text: `could not read ${each}: ${fileCause(cause)}` });
        return [];
      }
    });
  }
}

/** Reads a configuration. Throws a `Failure` if its main file cannot be read or is malformed. */
export function loadConfiguration(path: string): Loaded {
  let text: string;
  try {
    text = read(path);
  } catch (cause) {
    throw new Failure(`could not read ${path}: ${fileCause(cause)}`);
  }
  const loader = new Loader(dirname(resolve(path)));
  const directives = parseDirectives(path === STDIN ? "standard input" : path, text);
  return { directives: loader.expand(directives, 0), gaps: loader.gaps };
}
