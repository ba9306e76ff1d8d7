/**
 * Gateways that the commands of a page start in folders below the page's folder. They end with the page's
 * test.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { membersOf, signal } from "../../gateway/support/processes.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

/**
 * Makes the commands `nginx` and `openresty` of the page run the real program. The page passes it a folder.
 */
const ownProgram = `
nginx() {
  [ -n "$SLUICE_GLOBALS" ] || sed -i '/^load_module/d' "$2/nginx.conf"
  sed -i "s/^pid /user $(id -un); pid /" "$2/nginx.conf"
  command "$SLUICE_NGINX" -e stderr "$@"
}
openresty() { nginx "$@"; }
`;

/**
 * Kills the nginx of a pid file, if the file exists.
 * @param {string} file
 */
async function endGateway(file) {
  if (!existsSync(file)) return;
  const master = Number(readFileSync(file, "utf8"));
  signal(-master, "SIGKILL");
  await waitFor("the page's own nginx has ended", () => membersOf(master).length === 0);
}

/**
 * Returns the option `before` of testPage(). It stops the gateway that every page has, so that the page can
 * start nginx in the given folders.
 * @param {string[]} folders relative to the page's folder
 */
export function withOwnGateways(folders) {
  return async (/** @type {import("./scene.mjs").Scene} */ scene) => {
    await scene.gateway.stop();
    for (const folder of folders)
      atEnd(scene.context, () => endGateway(join(scene.work, folder, "nginx.pid")));
    await scene.shell.run(ownProgram);
  };
}
