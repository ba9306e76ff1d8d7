import { openClient } from "./client.mjs";
import { trafficPath } from "./stored.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/** Opens a connection to each worker. @param {Gateway} gateway @param {number} workers */
async function openClients({ place: { port } }, workers) {
  /** @type {Map<string, import("./client.mjs").Client>} */
  const clients = new Map();
  while (clients.size < workers) {
    const client = await openClient(port);
    const { body } = await client.expect(200, "GET", "/worker");
    if (clients.has(body)) client.close();
    else clients.set(body, client);
  }
  return [...clients.values()];
}

/**
 * Returns a function that sends a request to the workers in turn, for one of the first upstreams.
 * @param {Gateway} gateway
 * @param {number} workers
 * @param {number} upstreams
 */
export async function newTraffic(gateway, workers, upstreams) {
  const clients = await openClients(gateway, workers);
  let turn = 0;
  const ask = async () => {
    turn = (turn + 1) % workers;
    const path = trafficPath(Math.floor(Math.random() * upstreams));
    try {
      if (!clients[turn].socket.destroyed) return await clients[turn].expect(200, "GET", path);
    } catch (cause) {
      if (!clients[turn].socket.destroyed) throw cause;
    }
    // A worker that ends closes its connections, and clients then send the request again.
    clients[turn] = await openClient(gateway.place.port);
    return clients[turn].expect(200, "GET", path);
  };
  return { ask, close: () => clients.forEach((client) => client.close()) };
}
