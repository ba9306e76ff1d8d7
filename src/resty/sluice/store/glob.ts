import * as ffi from "ffi";

/** File names with `*`, `?` and `[…]`, as nginx's `include` takes them, expanded by the C library. */

interface Matches extends ffi.CData {
  count: number;
  paths: ffi.PointerPointer;
}

interface Libc {
  sluice_glob: (this: void, pattern: string, flags: number, no_handler: undefined, found: Matches) => number;
  sluice_globfree: (this: void, found: Matches) => void;
}

// Both glibc and musl begin with these members. The rest leaves room for their other members.
ffi.cdef(`
  struct sluice_matches { size_t count; char **paths; size_t offset; char rest[128]; };
  int sluice_glob(const char *, int, void *, struct sluice_matches *) __asm__("glob");
  void sluice_globfree(struct sluice_matches *) __asm__("globfree");
`);

const C = ffi.C as Libc;
const GLOB_NOMATCH = 3;

/** Returns the files that match a pattern; a name without a wildcard matches itself. Undefined: unknown. */
export function glob(pattern: string): string[] | undefined {
  if (string.find(pattern, "[*?%[]")[0] === undefined) return [pattern];
  const found = ffi.new("struct sluice_matches") as Matches;
  const code = C.sluice_glob(pattern, 0, undefined, found);
  if (code === GLOB_NOMATCH) return [];
  if (code !== 0) return undefined;
  const files: string[] = [];
  for (const index of $range(0, (tonumber(found.count) as number) - 1))
    files.push(ffi.string(found.paths[index]));
  C.sluice_globfree(found);
  return files;
}
