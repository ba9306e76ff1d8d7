/** Listing files. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Every file below a folder, as sorted paths that begin with that folder.
 * @param {string} folder
 * @param {(name: string) => boolean} [enters] whether to look into a folder of that name
 * @returns {string[]}
 */
export function filesBelow(folder, enters = () => true) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (!entry.isDirectory()) return [path];
      return enters(entry.name) ? filesBelow(path, enters) : [];
    });
}
