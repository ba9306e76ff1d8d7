/** Loads the sources of the dashboard that need no browser. */
import { join } from "node:path";
import { after } from "node:test";
import { createServer } from "vite";
import { root } from "../../../scripts/command.mjs";

const server = await createServer({
  configFile: false,
  root: join(root, "web"),
  appType: "custom",
  logLevel: "error",
  optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
});
after(() => server.close());

/**
 * @param {string} path below web/src, without its extension
 * @returns {Promise<any>} the module
 */
export const source = (path) => server.ssrLoadModule(`/src/${path}.ts`);
