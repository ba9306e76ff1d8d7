/**
 * A fake of an inference engine with continuous batching, as vLLM has it. It works in steps. In a step, each
 * running request whose prompt is done makes one token, and the others advance through their prompts, by
 * `maxPromptTokens` in all. A step takes time in proportion to the work in it. A waiting request runs once
 * there are fewer than `maxRunning`, room in the cache for all of its tokens, and nothing else that fills the
 * step.
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
 * @property {(progress: Progress) => void} onToken
 */

/** @typedef {{ tokens: number, promptTokens: number, cachedTokens: number }} Progress */

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

  /**
   * Tells whether a request of so many tokens can ever run.
   * @param {string} prompt
   * @param {number} maxTokens
   */
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
   * @param {(progress: Progress) => void} onToken
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

  /** Lets the first waiting request run, if there is room. @returns {Request | undefined} */
  #admit() {
    const [request] = this.#waiting;
    if (request === undefined || this.#running.length === this.options.maxRunning) return undefined;
    const { hashes, promptTokens, maxTokens } = request;
    const partial = promptTokens - hashes.length * this.options.blockTokens;
    request.lease = this.cache.take(hashes, partial + maxTokens);
    if (request.lease === undefined) return undefined;
    // The last token of a prompt is always computed.
    request.promptLeft = Math.max(1, promptTokens - request.lease.cachedTokens);
    this.#waiting.shift();
    this.#running.push(request);
    return request;
  }

  /** Begins a step. `at`: when the one before has ended. @param {number} at */
  #begin(at) {
    const { stepTime, promptTokenTime, tokenTime, maxPromptTokens } = this.options;
    const makers = this.#running.filter(({ promptLeft }) => promptLeft === 0).length;
    let budget = maxPromptTokens;
    const advance = (/** @type {Request} */ request) => {
      const part = Math.min(request.promptLeft, budget);
      budget -= part;
      request.promptLeft -= part;
    };
    this.#running.forEach(advance);
    // A request that waits for others' prompts finds more of its own in the cache.
    while (budget > 0) {
      const request = this.#admit();
      if (request === undefined) break;
      advance(request);
    }
    if (this.#running.length === 0) {
      this.#due = undefined;
      return;
    }
    const due = at + stepTime + (maxPromptTokens - budget) * promptTokenTime + makers * tokenTime;
    this.#due = due;
    // A step that ends late, because this computer is busy, does not delay the next ones.
    setTimeout(() => this.#finish(due), Math.max(0, due - performance.now()));
  }

  /** Ends a step. Requests whose prompts are done have made a token. @param {number} at */
  #finish(at) {
    for (const request of [...this.#running]) {
      const { lease, promptTokens, promptLeft, maxTokens } = request;
      if (lease === undefined) continue;
      this.cache.ready(lease, promptTokens - promptLeft);
      if (promptLeft > 0) continue;
      request.tokens += 1;
      if (request.tokens === maxTokens) this.#end(request);
      request.onToken({ tokens: request.tokens, promptTokens, cachedTokens: lease.cachedTokens });
    }
    this.#begin(at);
  }
}
