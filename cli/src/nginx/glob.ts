import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Finds the files of a pattern, as glob(3) does for `include`. */

/** Tells whether a path is a pattern, which may match no file. */
export const isPattern = (text: string) => /[*?[]/.test(text);

/** Makes the regular expression of one part of a path. */
function expressionOf(part: string): RegExp {
  const source = part.replace(
    /\[(!?)([^\]]+)\]|[\s\S]/g,
    (character: string, negated: string, set: string | undefined) => {
      if (set !== undefined) return `[${negated === "!" ? "^" : ""}${set.replace(/[\\^[]/g, "\\$&")}]`;
      if (character === "*") return "[^/]*";
      if (character === "?") return "[^/]";
      return character.replace(/[.+^${}()|[\]\\]/g, "\\$&");
    },
  );
  return new RegExp(`^${source}$`, "s");
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Returns the existing paths of an absolute pattern, sorted. */
export function glob(pattern: string): string[] {
  let found = ["/"];
  for (const part of pattern.split("/").filter((each) => each !== "")) {
    if (!isPattern(part)) {
      found = found.map((folder) => join(folder, part)).filter((path) => existsSync(path));
      continue;
    }
    const expression = expressionOf(part);
    found = found.flatMap((folder) =>
      namesIn(folder)
        // As in a shell, a pattern matches a dot at the beginning only if it has one.
        .filter((name) => expression.test(name) && (!name.startsWith(".") || part.startsWith(".")))
        .map((name) => join(folder, name)),
    );
  }
  return found;
}
