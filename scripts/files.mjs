/** Lists files, and makes temporary folders. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Returns every file below a folder, as sorted paths that begin with that folder.
 * @param {string} folder
 * @param {(name: string) => boolean} [enters] whether to enter a folder of that name
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

/**
 * Makes a folder that is removed when the script ends.
 * @param {string} name a part of the folder's name
 * @returns {string} its path
 */
export function temporaryFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `sluice-${name}-`));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
