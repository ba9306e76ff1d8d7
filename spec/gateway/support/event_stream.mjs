/** A client of the event stream that parses server-sent events and checks each byte against their format. */
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { atEnd } from "./cleanup.mjs";
import { descriptionFor } from "./description.mjs";
import { waitFor } from "./wait.mjs";

export const STREAM = "/api/sluice/1/events/stream";

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {string} event
 * @property {any} data
 * @property {number} at when it arrived, by `performance.now()`
 */

/** The fields of a block in the order in which the gateway sends them. */
const message = /^id: (\S+)\nevent: (\w+)\ndata: (\{.*\})$/;
const beginning = /^retry: 1000\n: [^\n]+\nid: (\S+)$/;
const heartbeat = /^: \d{4}-[\d-]+T[\d:.]+Z\nid: (\S+)$/;

export class EventStream {
  /** @type {Message[]} */
  messages = [];
  /** The position that a browser would send when it connects again. */
  lastId = "";
  heartbeats = 0;
  hasEnded = false;
  /** @type {number | undefined} */
  status = undefined;
  /** @type {import("node:http").IncomingHttpHeaders} */
  headers = {};
  #rest = "";

  /**
   * @param {import("node:test").TestContext} context
   * @param {{ port: number, query?: string, headers?: Record<string, string> }} options
   */
  constructor(context, { port, query = "", headers = {} }) {
    const path = `${STREAM}${query}`;
    this.sent = request({ host: "127.0.0.1", port, path, agent: new Agent(), headers }, (response) => {
      this.response = response;
      this.status = response.statusCode;
      this.headers = response.headers;
      response.setEncoding("utf8").on("data", (text) => this.#receive(text));
      response.on("error", () => {}).on("close", () => (this.hasEnded = true));
    });
    this.sent.on("error", () => (this.hasEnded = true)).end();
    atEnd(context, () => this.leave());
  }

  /** @param {string} text */
  #receive(text) {
    if (this.status !== 200) {
      this.#rest += text;
      return;
    }
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    for (const block of blocks) this.#read(block);
  }

  /** @param {string} block */
  #read(block) {
    const [, id, event, data] = message.exec(block) ?? [];
    if (id !== undefined) {
      this.messages.push({ id, event, data: JSON.parse(data), at: performance.now() });
      this.lastId = id;
      const faults = descriptionFor("/api").faultsOf("#/components/schemas/StreamData", JSON.parse(data));
      assert.deepEqual(faults, [], data);
      return;
    }
    const [, other] = (this.lastId === "" ? beginning : heartbeat).exec(block) ?? [];
    assert.notEqual(other, undefined, `this is no block of the stream: ${block}`);
    if (this.lastId !== "") this.heartbeats += 1;
    this.lastId = other ?? "";
  }

  /** The error code of a refused stream. @returns {string | undefined} */
  get errorCode() {
    return this.status === 200 || this.#rest === "" ? undefined : JSON.parse(this.#rest).error.code;
  }

  /** The text of the error of a refused stream. @returns {string} */
  get errorText() {
    return JSON.parse(this.#rest).error.text;
  }

  /** The pid of the worker that sends the stream. */
  get worker() {
    return Number(this.headers["x-worker"]);
  }

  /** Waits until the stream has begun. */
  async begins() {
    await waitFor("the stream begins", () => this.lastId !== "" || this.hasEnded);
    assert.equal(this.status, 200, this.#rest);
    return this;
  }

  /** Waits until the answer, which is an error, is complete. */
  async isRefused() {
    await waitFor("the stream is refused", () => this.hasEnded);
    return this;
  }

  /**
   * Waits for the first message for which a condition holds.
   * @param {string} what
   * @param {(message: Message) => boolean} condition
   * @returns {Promise<Message>}
   */
  receives(what, condition) {
    return waitFor(`a client receives ${what}`, () => this.messages.find(condition));
  }

  leave() {
    this.sent.destroy();
  }
}

/**
 * Opens a stream, and waits until it has begun.
 * @param {import("node:test").TestContext} context
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {string} [query]
 * @param {Record<string, string>} [headers]
 */
export function follow(context, { apiPort }, query = "", headers = {}) {
  return new EventStream(context, { port: apiPort, query, headers }).begins();
}

/** Returns the events of messages about upstreams' changes. @param {EventStream} stream */
export const changesIn = ({ messages }) =>
  messages.filter(({ event }) => event === "change").map(({ data }) => data);
