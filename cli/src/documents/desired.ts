import { Failure } from "../failure";
import { readSources } from "./files";
import type { Path, Source } from "./source";

/** The upstreams of all files together. */
export class Desired {
  /** The upstreams by name, as `changes` takes them. */
  readonly upstreams = new Map<string, unknown>();
  private readonly sources = new Map<string, Source>();

  constructor(readonly files: readonly Source[]) {
    for (const source of files) this.add(source);
  }

  private add(source: Source): void {
    const upstreams = upstreamsOf(source);
    for (const [name, upstream] of Object.entries(upstreams)) {
      const other = this.sources.get(name);
      if (other !== undefined) {
        const [first, second] = [other, source].map((each) => each.placeOf(["upstreams", name]));
        throw new Failure(`duplicate upstream "${name}": it is in ${first} and in ${second}`);
      }
      this.sources.set(name, source);
      this.upstreams.set(name, upstream);
    }
  }

  /** Returns the upstreams as an object for a request. */
  asObject(): Record<string, unknown> {
    return Object.fromEntries(this.upstreams);
  }

  /** Returns the file and the line of an upstream's member, such as `servers[0].weight`. */
  placeOf(name: string, path: string): string | undefined {
    const isPatch = isObject(this.upstreams.get(name)) && "patch" in (this.upstreams.get(name) as object);
    const below = isPatch ? ["patch", ...parsePath(path)] : parsePath(path);
    return this.sources.get(name)?.placeOf(["upstreams", name, ...below]);
  }

  /**
   * Returns the file and the line of a path of the API, such as `upstreams.app.servers[0].weight`. Names of
   * upstreams may contain dots.
   */
  placeOfApiPath(path: string): string | undefined {
    const below = path.replace(/^upstreams\./, "");
    const isIn = (name: string) =>
      below === name || below.startsWith(`${name}.`) || below.startsWith(`${name}[`);
    const names = [...this.upstreams.keys()].filter(isIn).sort((one, other) => other.length - one.length);
    const [name] = names;
    return name === undefined ? undefined : this.placeOf(name, below.slice(name.length));
  }
}

/** Splits `servers[0].weight` into its names and indices. */
export function parsePath(path: string): Path {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name = ""]) =>
    index === undefined ? name : Number(index),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function upstreamsOf(source: Source): Record<string, unknown> {
  const { value, file } = source;
  if (!isObject(value)) throw new Failure(`${file}: must be an object with the member "upstreams"`);
  const other = Object.keys(value).find((name) => name !== "upstreams");
  if (other !== undefined)
    throw new Failure(
      `${source.placeOf([other])}: unknown member "${other}": only "upstreams" is allowed here`,
    );
  const badNumber = source.pathOfBadNumber();
  if (badNumber !== undefined) throw new Failure(`${source.placeOf(badNumber)}: is not a number in JSON`);
  const { upstreams } = value;
  if (!isObject(upstreams))
    throw new Failure(`${source.placeOf(["upstreams"])}: "upstreams" must be an object`);
  return upstreams;
}

/** Reads and merges the files of `-f`. */
export function readDesired(paths: readonly string[]): Desired {
  return new Desired(readSources(paths));
}
