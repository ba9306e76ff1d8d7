/** A real etcd, alone or as members of a cluster, in a folder of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureTestTools } from "../../../../scripts/setup.mjs";
import { Api } from "../api.mjs";
import { atEnd, atExit } from "../cleanup.mjs";
import { freePort } from "../ports.mjs";
import { waitFor } from "../wait.mjs";
import { Program } from "./program.mjs";

const base64 = (text) => Buffer.from(text).toString("base64");

/** One member of an etcd. */
export class Member extends Program {
  /**
   * @param {{ name: string, folder: string, port: number, peer: string, cluster: string, more: string[] }} place
   */
  constructor({ name, folder, port, peer, cluster, more }) {
    const url = `http://127.0.0.1:${port}`;
    const scheme = more.some((arg) => arg.startsWith("--cert-file")) ? "https" : "http";
    const client = url.replace("http", scheme);
    const own = ["--name", name, "--data-dir", join(folder, name), "--log-level", "error", "--logger", "zap"];
    const clients = ["--listen-client-urls", client, "--advertise-client-urls", client];
    const peers = ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer];
    // A member that is alone must not take long to find that out.
    const timing = ["--heartbeat-interval", "50", "--election-timeout", "500"];
    const args = [...own, ...clients, ...peers, "--initial-cluster", cluster, ...timing, ...more];
    super("etcd", args, async () => (await this.call("/v3/kv/range", { key: base64("a") })) !== undefined);
    this.url = client;
    this.data = join(folder, name);
    this.api = new Api({ port });
  }

  /**
   * Calls a function of the v3 API. Undefined when it cannot be had now.
   * @param {string} path
   * @param {object} body
   */
  async call(path, body) {
    try {
      const answer = await this.api.post(path, body, { "Content-Type": "application/json" });
      return answer.status === 200 ? answer.body : undefined;
    } catch {
      return undefined;
    }
  }

  /** Has the member forget everything. It must have ended. */
  wipe() {
    rmSync(this.data, { recursive: true, force: true });
  }
}

export class Etcd {
  /** What the contract calls it. */
  name = "etcd";

  /** @param {Member[]} members */
  constructor(members) {
    this.members = members;
  }

  /** @param {string} [upstream] what `discovery` is to be */
  discovery(upstream = "app") {
    return { etcd: { endpoints: this.members.map(({ url }) => url), prefix: `/upstreams/${upstream}/` } };
  }

  /** The answer of whichever member answers. @param {string} path @param {object} body */
  async call(path, body) {
    for (const member of this.members) {
      const answer = await member.call(path, body);
      if (answer !== undefined) return answer;
    }
    throw new Error(`no member of etcd answers ${path}`);
  }

  /** @param {string} key @param {string} value @param {string} [lease] */
  put(key, value, lease) {
    return this.call("/v3/kv/put", {
      key: base64(key),
      value: base64(value),
      ...(lease === undefined ? {} : { lease }),
    });
  }

  /** @param {string} key */
  remove(key) {
    return this.call("/v3/kv/deleterange", { key: base64(key) });
  }

  /** @param {string} prefix */
  removeBelow(prefix) {
    const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
    return this.call("/v3/kv/deleterange", { key: base64(prefix), range_end: base64(end) });
  }

  /**
   * Makes an upstream's servers exactly these, in one transaction.
   * @param {{ server: string, weight?: number }[]} servers
   */
  async set(servers, upstream = "app") {
    const prefix = `/upstreams/${upstream}/`;
    const end = `/upstreams/${upstream}0`;
    const range = { key: base64(prefix), range_end: base64(end) };
    const { kvs = [] } = await this.call("/v3/kv/range", { ...range, keys_only: true });
    const wanted = new Map(servers.map((server) => [base64(prefix + server.server), server]));
    const removed = kvs.filter(({ key }) => !wanted.has(key));
    await this.call("/v3/kv/txn", {
      success: [
        ...removed.map(({ key }) => ({ request_delete_range: { key } })),
        ...[...wanted].map(([key, server]) => ({
          request_put: { key, value: base64(JSON.stringify(server)) },
        })),
      ],
    });
  }

  /** Adds something that is no server, which a key's name tells. */
  async addBad() {
    await this.put("/upstreams/app/bad", "{not JSON");
    return "/upstreams/app/bad";
  }

  async start() {
    for (const member of this.members) member.launch();
    await Promise.all(this.members.map((member) => waitForMember(member)));
  }

  /** @param {NodeJS.Signals} [how] */
  async stop(how) {
    await Promise.all(this.members.map((member) => member.stop(how)));
  }

  freeze() {
    for (const member of this.members) member.freeze();
  }

  thaw() {
    for (const member of this.members) member.thaw();
  }
}

/** @param {Member} member */
async function waitForMember(member) {
  await waitFor(`${member.url} serves`, () => member.isThere(), 20_000);
}

/**
 * Starts an etcd that ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {{ members?: number, args?: string[] }} [options]
 */
export async function startEtcd(context, { members = 1, args = [] } = {}) {
  ensureTestTools(["etcd"]);
  const folder = mkdtempSync(join(tmpdir(), "sluice-etcd-"));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  const cancel = atExit(remove);
  atEnd(context, () => {
    remove();
    cancel();
  });
  const names = Array.from({ length: members }, (_, index) => `m${index}`);
  const peers = await Promise.all(names.map(async () => `http://127.0.0.1:${await freePort()}`));
  const cluster = names.map((name, index) => `${name}=${peers[index]}`).join(",");
  const all = await Promise.all(
    names.map(async (name, index) => {
      const port = await freePort();
      return new Member({ name, folder, port, peer: peers[index], cluster, more: args });
    }),
  );
  for (const member of all) member.endWith(context);
  const etcd = new Etcd(all);
  await etcd.start();
  return etcd;
}
