/** A server that must receive nothing. */
import { once } from "node:events";
import { createServer } from "node:net";
import { atEnd } from "./cleanup.mjs";

/**
 * Starts a server at an address. It ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {string} host
 * @param {number} port
 */
export async function startForbidden(context, host, port) {
  const seen = { connections: 0, bytes: 0 };
  const server = createServer((socket) => {
    seen.connections += 1;
    socket.on("error", () => {});
    socket.on("data", (data) => (seen.bytes += data.length));
  });
  server.listen(port, host);
  await once(server, "listening");
  atEnd(context, () => server.close());
  return seen;
}
