/** Browsers for `sticky.cookie`: each keeps the last cookie that it received. */
import { ask } from "./load.mjs";

/** How many of many clients ask at once. */
const atOnce = 20;

/**
 * The cookies of a name that an answer sets, as they are written.
 * @param {{ headers: import("node:http").IncomingHttpHeaders }} answer
 * @param {string} [name]
 */
export function cookiesOf({ headers }, name = "srv") {
  return (headers["set-cookie"] ?? []).filter((cookie) => cookie.startsWith(`${name}=`));
}

/** @param {string} cookie as it is written */
export function valueOf(cookie) {
  return /^[^=]*=([^;]*)/.exec(cookie)?.[1] ?? "";
}

export class Client {
  /** Of its cookie. @type {string | undefined} */
  value;
  /** The id of the server that answered last. */
  server = "";
  /** How many cookies the last answer set. */
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
    if (answer.status !== 200) throw new Error(`wanted 200, got ${answer.status} ${answer.text}`);
    const cookies = cookiesOf(answer, this.name);
    this.given = cookies.length;
    if (cookies.length > 0) this.value = valueOf(cookies[0]);
    this.server = answer.text;
    return answer;
  }
}

/**
 * Has every client ask once.
 * @param {Client[]} clients
 * @returns {Promise<Client[]>} those that another server answered than before, or that were given a cookie
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
 * Clients that were given a session each.
 * @param {number} port
 * @param {number} count
 */
export async function newClients(port, count) {
  const clients = Array.from({ length: count }, () => new Client(port));
  await askEach(clients);
  const without = clients.filter(({ given }) => given !== 1).length;
  if (without > 0) throw new Error(`${without} of ${count} new clients were not given one cookie`);
  return clients;
}
