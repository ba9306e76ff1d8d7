import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { Failure, fileCause } from "../failure";
import { Source } from "./source";

/** Finds and reads the files of `-f`. */

/** The name of standard input. */
const STDIN = "-";
const EXTENSIONS = [".yaml", ".yml", ".json"];

/** Returns the files of a folder and of the folders in it. Names that begin with a dot are left out. */
function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith("."));
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (statSync(path).isDirectory()) return filesBelow(path);
    return EXTENSIONS.includes(extname(entry.name)) ? [path] : [];
  });
}

function filesOf(path: string): string[] {
  if (path === STDIN) return [path];
  if (!statSync(path).isDirectory()) return [path];
  const files = filesBelow(path);
  // Otherwise a misspelled folder would delete everything with --prune.
  if (files.length === 0) throw new Failure(`${path}: has no file *.yaml, *.yml or *.json`);
  return files;
}

function readSource(path: string): Source {
  const isStdin = path === STDIN;
  return Source.parse(isStdin ? "standard input" : path, readFileSync(isStdin ? 0 : path, "utf8"));
}

/** Reads all files that some paths name: files, folders, or `-`. */
export function readSources(paths: readonly string[]): Source[] {
  if (paths.filter((path) => path === STDIN).length > 1) throw new Failure("-f - may be given only once");
  return paths.flatMap((path) => {
    try {
      return filesOf(path).map(readSource);
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      throw new Failure(`could not read ${path}: ${fileCause(cause)}`);
    }
  });
}
