/** Random changes of a gateway, one after the other, as operators, registries and servers make them. */
import { setTimeout as sleep } from "node:timers/promises";
import { CHANGES } from "../../gateway/support/changes.mjs";
import { serversOf, sluice } from "../../gateway/support/upstreams.mjs";
import { FIXED } from "./churn_gateway.mjs";

/** The names of upstreams that come and go. */
const PASSING = 24;
/** Milliseconds between two changes. */
const PAUSE = 15;

/** A change may come too late or meet another one, but it must be answered. */
const ANSWERS = [200, 201, 204, 404, 409];

/** @typedef {Awaited<ReturnType<typeof import("./churn_gateway.mjs").startChurned>>} Churned */

export class Changes {
  made = 0;
  /** Changes without an answer, by their cause. @type {Map<string, number>} */
  errors = new Map();
  #stopping = false;

  /** @param {Churned} churned @param {(below: number) => number} random */
  constructor({ gateway, addresses, upstreams }, random) {
    this.api = gateway.api;
    this.addresses = addresses;
    this.upstreams = upstreams;
    this.random = random;
    this.finished = this.#run();
  }

  /** @template T @param {readonly T[]} list */
  #one = (list) => list[this.random(list.length)];

  #passing() {
    const servers = this.addresses.filter(() => this.random(2) === 0);
    const method = this.#one(FIXED.slice(0, 5));
    return {
      method,
      panic_threshold: 1 + this.random(90),
      load: {},
      servers: servers.map((server) => ({ server, weight: 1 + this.random(5) })),
    };
  }

  /** Kinds of changes. @type {(() => [method: string, path: string, body?: object])[]} */
  #kinds = [
    () => ["PUT", sluice(this.#name()), this.#passing()],
    () => ["PUT", sluice(this.#name()), this.#passing()],
    () => ["DELETE", sluice(this.#name())],
    () => ["PATCH", `${serversOf("app")}/${this.random(6)}`, { weight: 1 + this.random(9) }],
    () => ["PATCH", `${serversOf("app")}/${this.random(6)}`, { max_fails: 1 + this.random(3) }],
    () => ["PATCH", sluice(`fixed-${this.random(FIXED.length)}`), { panic_threshold: 1 + this.random(90) }],
    () => ["POST", serversOf(this.#name()), { server: this.#one(this.addresses), backup: true }],
    () => ["POST", `${sluice(this.#name())}/servers/0/report`, { utilization: this.random(100) / 100 }],
    () => [
      "PUT",
      `${sluice(this.#name())}/nodes/node-${this.random(9)}`,
      { server: this.#one(this.addresses), ttl: "2s" },
    ],
    () => [
      "POST",
      CHANGES,
      {
        upstreams: { [this.#name()]: this.#passing(), [`tmp-${PASSING + this.random(4)}`]: this.#passing() },
      },
    ],
  ];

  #name = () => `tmp-${this.random(PASSING)}`;

  /** Makes one change, or counts its failure. @param {[string, string, object?]} change */
  async #make([method, path, body]) {
    let problem;
    try {
      const { status, text } = await this.api.send(method, path, body);
      // A server that has registered itself is changed only there.
      if (!ANSWERS.includes(status) && !text.includes('"UpstreamServerImmutable"'))
        problem = `${method} ${path}: ${status} ${text.slice(0, 300)}`;
    } catch (cause) {
      problem = cause.code ?? cause.message;
    }
    if (problem !== undefined) this.errors.set(problem, (this.errors.get(problem) ?? 0) + 1);
    this.made += 1;
  }

  async #run() {
    while (!this.#stopping) {
      await this.#make(this.#one(this.#kinds)());
      await sleep(PAUSE);
    }
  }

  /** Stops, and restores the upstreams of the beginning. */
  async stop() {
    this.#stopping = true;
    await this.finished;
    const { upstreams } = await this.api.expect(200, "GET", "/api/sluice/1/upstreams?format=export");
    const passing = Object.keys(upstreams).filter((name) => name.startsWith("tmp-"));
    const removed = Object.fromEntries(passing.map((name) => [name, null]));
    await this.api.expect(200, "POST", CHANGES, {
      upstreams: { ...removed, ...this.upstreams },
    });
  }
}
