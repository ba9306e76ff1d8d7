import type { Result } from "./result";

/** Reads at most `most` bytes of a file; "": it is empty, or cannot be read, such as a folder. Any phase. */
export function read_file(path: string, most: number): Result<string> {
  const [file, cause] = io.open(path, "rb");
  if (file === undefined) return $multi(undefined, cause);
  const text = file.read(most) ?? "";
  file.close();
  return $multi(text, undefined);
}
