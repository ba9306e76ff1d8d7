/** A folder that is gone when its test has ended. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd, atExit } from "./cleanup.mjs";

/**
 * @param {import("node:test").TestContext} context
 * @param {string} [name] what its name begins with
 */
export function temporaryFolder(context, name = "sluice-test-") {
  const folder = mkdtempSync(join(tmpdir(), name));
  // Started by root, nginx's workers run as nobody.
  chmodSync(folder, 0o755);
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  const cancel = atExit(remove);
  atEnd(context, () => {
    remove();
    cancel();
  });
  return folder;
}
