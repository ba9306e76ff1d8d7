/** A real etcd with one or several members, in a temporary folder. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { ensureTestTools } from "../../../../scripts/setup.mjs";
import { Api } from "../api.mjs";
import { freePort } from "../ports.mjs";
import { makeFolder } from "../folder.mjs";
import { waitFor } from "../wait.mjs";
import { Program } from "./program.mjs";

const base64 = (text) => Buffer.from(text).toString("base64");

/** One member of an etcd. */
export class Member extends Program {
  /**
   * @param {{ name: string, folder: string, port: number, peer: string, cluster: string, more: string[] }}
   *   place
   */
  constructor({ name, folder, port, peer, cluster, more }) {
    const url = `http://127.0.0.1:${port}`;
    const scheme = more.some((arg) => arg.startsWith("--cert-file")) ? "https" : "http";
    const client = url.replace("http", scheme);
    const own = ["--name", name, "--data-dir", join(folder, name), "--log-level", "error", "--logger", "zap"];
    const clients = ["--listen-client-urls", client, "--advertise-client-urls", client];
    const peers = ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer];
    // A single member must elect itself quickly.
    const timing = ["--heartbeat-interval", "50", "--election-timeout", "500"];
    const args = [...own, ...clients, ...peers, "--initial-cluster", cluster, ...timing, ...more];
    super("etcd", args, () => this.isServing());
    this.url = client;
    this.data = join(folder, name);
    this.api = new Api({ port, secure: scheme === "https" });
  }

  /** Whether it has a leader. This needs no authentication. */
  async isServing() {
    const status = await this.call("/v3/maintenance/status", {});
    return status?.leader !== undefined;
  }

  /**
   * Calls a function of the v3 API. Returns undefined if the member does not answer.
   * @param {string} path
   * @param {object} body
   */
  async call(path, body, headers = {}) {
    try {
      const answer = await this.api.post(path, body, { "Content-Type": "application/json", ...headers });
      return answer.status === 200 ? answer.body : undefined;
    } catch {
      return undefined;
    }
  }

  /** Deletes the data of the member, which must have ended. */
  wipe() {
    rmSync(this.data, { recursive: true, force: true });
  }
}

export class Etcd {
  /** The name in the titles of the contract. */
  name = "etcd";

  /** The headers of every request. @type {Record<string, string>} */
  #headers = {};

  /** @param {Member[]} members */
  constructor(members) {
    this.members = members;
  }

  /** @param {string} [upstream] the upstream for which `discovery` is returned */
  discovery(upstream = "app") {
    return { etcd: { endpoints: this.members.map(({ url }) => url), prefix: `/upstreams/${upstream}/` } };
  }

  /**
   * Returns the answer of the first member that answers.
   * @param {string} path
   * @param {object} body
   * @param {Member[]} [members] the members to call
   */
  async call(path, body, members = this.members) {
    for (const member of members) {
      const answer = await member.call(path, body, this.#headers);
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

  /** Puts several keys in one transaction. @param {[key: string, value: string][]} entries */
  putAll(entries) {
    const success = entries.map(([key, value]) => ({
      request_put: { key: base64(key), value: base64(value) },
    }));
    return this.call("/v3/kv/txn", { success });
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
   * Sets the servers of an upstream in one transaction.
   * @param {{ server: string, weight?: number }[]} servers
   * @param {string} [upstream]
   * @param {Member[]} [members] the members to call
   */
  async set(servers, upstream = "app", members = this.members) {
    const prefix = `/upstreams/${upstream}/`;
    const end = `/upstreams/${upstream}0`;
    const range = { key: base64(prefix), range_end: base64(end) };
    const { kvs = [] } = await this.call("/v3/kv/range", { ...range, keys_only: true }, members);
    const wanted = new Map(servers.map((server) => [base64(prefix + server.server), server]));
    const removed = kvs.filter(({ key }) => !wanted.has(key));
    await this.call(
      "/v3/kv/txn",
      {
        success: [
          ...removed.map(({ key }) => ({ request_delete_range: { key } })),
          ...[...wanted].map(([key, server]) => ({
            request_put: { key, value: base64(JSON.stringify(server)) },
          })),
        ],
      },
      members,
    );
  }

  /** Adds an invalid entry, recognizable by the name of its key. */
  async addBad() {
    await this.put("/upstreams/app/bad", "{not JSON");
    return "/upstreams/app/bad";
  }

  /**
   * Grants a lease of some seconds, and returns its id.
   * @param {number} seconds
   * @returns {Promise<string>}
   */
  async grant(seconds) {
    return (await this.call("/v3/lease/grant", { TTL: seconds })).ID;
  }

  /** Renews a lease. @param {string} lease */
  keepAlive(lease) {
    return this.call("/v3/lease/keepalive", { ID: lease });
  }

  /** Returns the leader. */
  async leader() {
    for (const member of this.members) {
      const { leader, header } = await member.call("/v3/maintenance/status", {});
      if (leader === header.member_id) return member;
    }
    throw new Error("etcd has no leader");
  }

  /** Compacts all revisions except the last. */
  async compact() {
    const { header } = await this.call("/v3/kv/range", { key: base64("a") });
    await this.call("/v3/kv/compaction", { revision: header.revision, physical: true });
  }

  /**
   * Restricts access to root and a user who may read the keys of all upstreams, or the keys below some
   * prefixes.
   * @param {{ user: string, password: string, prefixes?: string[] }} who
   */
  async enableUsers({ user, password, prefixes = ["/upstreams/"] }) {
    const root = { name: "root", password: "root of all" };
    const permissions = prefixes.map((prefix) => ({
      permType: "READ",
      key: base64(prefix),
      range_end: base64(prefix.replace(/\/$/, "0")),
    }));
    for (const [path, body] of [
      ["/v3/auth/user/add", root],
      ["/v3/auth/role/add", { name: "root" }],
      ["/v3/auth/user/grant", { user: "root", role: "root" }],
      ["/v3/auth/user/add", { name: user, password }],
      ["/v3/auth/role/add", { name: "reader" }],
      ...permissions.map((perm) => ["/v3/auth/role/grant", { name: "reader", perm }]),
      ["/v3/auth/user/grant", { user, role: "reader" }],
      ["/v3/auth/enable", {}],
    ])
      await this.call(path, body);
    await this.logIn();
  }

  /**
   * Makes a user's tokens invalid. Connections stay open.
   * @param {{ user: string, password: string }} who
   */
  forgetTokens({ user, password }) {
    return this.call("/v3/auth/user/changepw", { name: user, password });
  }

  /** Gets a token for the calls of this process. etcd loses its tokens when it restarts. */
  async logIn() {
    this.#headers = {};
    const { token } = await this.call("/v3/auth/authenticate", { name: "root", password: "root of all" });
    this.#headers = { Authorization: token };
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

/** Returns the port of a member. @param {Member} member */
export function portOf({ url }) {
  return Number(new URL(url).port);
}

/**
 * Waits until a member serves. A killed member may hold its ports for a moment, which ends a new process; it
 * is started again.
 * @param {Member} member
 */
async function waitForMember(member) {
  let restarts = 0;
  const isThere = () => {
    if (restarts < 5 && member.hasEnded()) {
      restarts += 1;
      member.launch();
    }
    return member.isThere();
  };
  await waitFor(`${member.url} serves`, isThere, 60_000);
}

/**
 * Starts an etcd that ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {{ members?: number, args?: string[] }} [options]
 */
export async function startEtcd(context, { members = 1, args = [] } = {}) {
  ensureTestTools(["etcd"]);
  const folder = makeFolder(context, "etcd");
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
