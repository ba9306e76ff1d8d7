/** A temporary folder of a test. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd, atExit } from "./cleanup.mjs";

/**
 * Makes a folder that all users can read. It is removed when the test ends.
 * @param {import("node:test").TestContext} context
 * @param {string} name a part of the folder's name
 * @returns {string} its path
 */
export function makeFolder(context, name) {
  const folder = mkdtempSync(join(tmpdir(), `sluice-${name}-`));
  // When root starts nginx, the workers run as the user nobody.
  chmodSync(folder, 0o755);
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  const cancel = atExit(remove);
  atEnd(context, () => {
    remove();
    cancel();
  });
  return folder;
}
