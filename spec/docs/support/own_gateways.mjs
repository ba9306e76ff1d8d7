/** Gateways that the commands of a page start, in folders below that of the page. They end with its test. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { membersOf, signal } from "../../gateway/support/processes.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

/** Makes the page's `nginx` and `openresty` the program itself, which the page gives its own folder. */
const ownProgram = `
nginx() {
  [ -n "$SLUICE_GLOBALS" ] || sed -i '/^load_module/d' "$2/nginx.conf"
  sed -i "s/^pid /user $(id -un); pid /" "$2/nginx.conf"
  command "$SLUICE_NGINX" -e stderr "$@"
}
openresty() { nginx "$@"; }
`;

/**
 * Ends an nginx whose pid file is there.
 * @param {string} file
 */
async function endGateway(file) {
  if (!existsSync(file)) return;
  const master = Number(readFileSync(file, "utf8"));
  signal(-master, "SIGKILL");
  await waitFor("the page's own nginx has ended", () => membersOf(master).length === 0);
}

/**
 * Makes the option `before` of testPage(): it stops the gateway that every page has, and lets the page start
 * nginx in the given folders.
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
