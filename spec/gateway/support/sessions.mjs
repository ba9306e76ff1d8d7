/** Clients for `sticky.cookie`. Each client keeps the last cookie that it received. */
import { ask } from "./load.mjs";

/** Number of clients that send requests at the same time. */
const atOnce = 20;

/**
 * Returns the cookies of a name that an answer sets, in full.
 * @param {{ headers: import("node:http").IncomingHttpHeaders }} answer
 * @param {string} [name]
 */
export function cookiesOf({ headers }, name = "srv") {
  return (headers["set-cookie"] ?? []).filter((cookie) => cookie.startsWith(`${name}=`));
}

/** @param {string} cookie with its attributes */
export function valueOf(cookie) {
  return /^[^=]*=([^;]*)/.exec(cookie)?.[1] ?? "";
}

export class Client {
  /** The value of its cookie. @type {string | undefined} */
  value;
  /** The id of the last server that answered. */
  server = "";
  /** Number of cookies in the last answer. */
  given = 0;

  /** @param {number} port of the gateway @param {string} [path] @param {string} [name] of the cookie */
  constructor(port, path = "/", name = "srv") {
    this.port = port;
    this.path = path;
    this.name = name;
  }

  async ask() {
    const headers = this.value === undefined ? {} : { Cookie: `first=1; ${this.name}=${this.value}; last=2` };
    const answer = await ask(this.port, this.path, { headers });
    if (answer.status !== 200) throw new Error(`expected 200, got ${answer.status} ${answer.text}`);
    const cookies = cookiesOf(answer, this.name);
    this.given = cookies.length;
    if (cookies.length > 0) this.value = valueOf(cookies[0]);
    this.server = answer.text;
    return answer;
  }
}

/**
 * Sends one request by each client.
 * @param {Client[]} clients
 * @returns {Promise<Client[]>} the clients with another server than before or with a new cookie
 */
export async function askEach(clients) {
  const rest = [...clients];
  const moved = [];
  const run = async () => {
    for (let client = rest.pop(); client !== undefined; client = rest.pop()) {
      const before = client.server;
      await client.ask();
      if (client.server !== before || client.given > 0) moved.push(client);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, run));
  return moved;
}

/**
 * Returns new clients, each with a cookie.
 * @param {number} port
 * @param {number} count
 */
export async function newClients(port, count) {
  const clients = Array.from({ length: count }, () => new Client(port));
  await askEach(clients);
  const without = clients.filter(({ given }) => given !== 1).length;
  if (without > 0) throw new Error(`${without} of ${count} new clients did not receive exactly one cookie`);
  return clients;
}
