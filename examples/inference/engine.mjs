/**
 * A fake of an inference engine with continuous batching, as vLLM has it. It works in steps. In a step, each running
 * request whose prompt is done makes one token, and other running requests advance through their prompts. A step
 * takes the time that a processor of graphics would take, in proportion to the work in it. A waiting request runs once
 * there are fewer than `maxRunning`, and room in the cache for all of its tokens.
 */
import { hashesOf, KvCache, tokensOf } from "./kv_cache.mjs";

/** Times in milliseconds. A prompt of 2,000 tokens takes 100 ms, unless its beginning is cached. */
export const DEFAULTS = {
  /** Size of the cache, and of a block in tokens. */
  blocks: 1500,
  blockTokens: 16,
  /** Most requests that run at the same time, and most tokens of prompts in a step. */
  maxRunning: 16,
  maxPromptTokens: 512,
  /** Time of a step, and more for each token of a prompt and each request that makes a token. */
  stepTime: 4,
  promptTokenTime: 0.05,
  tokenTime: 0.2,
};

/**
 * @typedef {object} Request
 * @property {string[]} hashes of the full blocks of its prompt
 * @property {number} promptTokens
 * @property {number} maxTokens
 * @property {number} promptLeft tokens of the prompt that remain to be computed
 * @property {number} tokens that it has made
 * @property {import("./kv_cache.mjs").Lease | undefined} lease
 * @property {(request: Request) => void} onToken
 */

export class Engine {
  /** @type {Request[]} */
  #waiting = [];
  /** @type {Request[]} */
  #running = [];
  /** When the current step ends; undefined: nothing is to be done. @type {number | undefined} */
  #due;

  /** @param {Partial<typeof DEFAULTS>} [options] */
  constructor(options = {}) {
    this.options = { ...DEFAULTS, ...options };
    this.cache = new KvCache(this.options.blocks, this.options.blockTokens);
  }

  /** What vLLM reports, and the number of all requests. */
  get report() {
    const waiting = this.#waiting.length;
    return {
      kv_cache_usage_perc: this.cache.usage,
      num_requests_waiting: waiting,
      num_requests: waiting + this.#running.length,
    };
  }

  /** Tells whether a request of so many tokens can ever run. @param {string} prompt @param {number} maxTokens */
  canRun(prompt, maxTokens) {
    return (
      tokensOf(prompt) + maxTokens + 2 * this.options.blockTokens <=
      this.cache.size * this.options.blockTokens
    );
  }

  /**
   * Accepts a request. `onToken` is called after each token, until `tokens` is `maxTokens`.
   * @param {string} prompt
   * @param {number} maxTokens
   * @param {(request: Request) => void} onToken
   * @returns {Request}
   */
  submit(prompt, maxTokens, onToken) {
    const promptTokens = tokensOf(prompt);
    const hashes = hashesOf(prompt, this.options.blockTokens);
    const more = { promptLeft: promptTokens, tokens: 0, lease: undefined };
    const request = { hashes, promptTokens, maxTokens, onToken, ...more };
    this.#waiting.push(request);
    if (this.#due === undefined) this.#begin(performance.now());
    return request;
  }

  /** Ends a request whose client has gone. @param {Request} request */
  cancel(request) {
    this.#waiting = this.#waiting.filter((one) => one !== request);
    this.#end(request);
  }

  /** @param {Request} request */
  #end(request) {
    this.#running = this.#running.filter((one) => one !== request);
    if (request.lease !== undefined) this.cache.release(request.lease);
    request.lease = undefined;
  }

  /** Lets waiting requests run in the order of their arrival. */
  #admit() {
    while (this.#waiting.length > 0 && this.#running.length < this.options.maxRunning) {
      const [request] = this.#waiting;
      const { hashes, promptTokens, maxTokens } = request;
      const partial = promptTokens - hashes.length * this.options.blockTokens;
      request.lease = this.cache.take(hashes, Math.max(0, partial) + maxTokens);
      if (request.lease === undefined) return;
      // The last token of a prompt is always computed.
      request.promptLeft = Math.max(1, promptTokens - request.lease.cachedTokens);
      this.#running.push(request);
      this.#waiting.shift();
    }
  }

  /** Begins a step. `at`: when the one before has ended. @param {number} at */
  #begin(at) {
    this.#admit();
    if (this.#running.length === 0) {
      this.#due = undefined;
      return;
    }
    const { stepTime, promptTokenTime, tokenTime, maxPromptTokens } = this.options;
    let budget = maxPromptTokens;
    let makers = 0;
    /** @type {Request[]} */
    const done = [];
    for (const request of this.#running) {
      const part = Math.min(request.promptLeft, budget);
      if (request.promptLeft === 0) makers += 1;
      budget -= part;
      request.promptLeft -= part;
      if (request.promptLeft === 0) done.push(request);
    }
    this.#due = at + stepTime + (maxPromptTokens - budget) * promptTokenTime + makers * tokenTime;
    // A step that ends late, because this computer is busy, does not delay the next ones.
    const due = this.#due;
    setTimeout(() => this.#finish(done, due), Math.max(0, due - performance.now()));
  }

  /** Ends a step, in which some requests have made a token. @param {Request[]} makers @param {number} at */
  #finish(makers, at) {
    for (const request of makers) {
      if (request.lease === undefined) continue;
      if (request.tokens === 0) this.cache.ready(request.lease);
      request.tokens += 1;
      const cachedTokens = request.lease.cachedTokens;
      if (request.tokens === request.maxTokens) this.#end(request);
      request.onToken({ ...request, cachedTokens });
    }
    this.#begin(at);
  }
}
