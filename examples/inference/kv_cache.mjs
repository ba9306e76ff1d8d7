/**
 * The memory of an inference server for keys and values, in blocks of some tokens, as in vLLM. Full blocks of
 * a prompt are known by a hash of everything up to their end, so that a later prompt with the same beginning
 * finds them. Blocks that no request uses any more stay until their room is needed; the one unused for
 * longest goes first.
 */
import { createHash } from "node:crypto";

/** @typedef {{ hash: string, users: number, isReady: boolean }} Block */

/** What a request holds. @typedef {{ blocks: Block[], own: number, cachedTokens: number }} Lease */

/** A token of the fakes. */
const BYTES_A_TOKEN = 4;

/** @param {string} text */
export const tokensOf = (text) => Math.ceil(Buffer.byteLength(text) / BYTES_A_TOKEN);

/** Returns the hashes of the full blocks of a text. @param {string} text @param {number} blockTokens */
export function hashesOf(text, blockTokens) {
  const bytes = Buffer.from(text);
  const length = blockTokens * BYTES_A_TOKEN;
  const hashes = [];
  let before = "";
  for (let end = length; end <= bytes.length; end += length) {
    const hash = createHash("sha1")
      .update(before)
      .update(bytes.subarray(end - length, end));
    before = hash.digest("base64");
    hashes.push(before);
  }
  return hashes;
}

export class KvCache {
  /** @type {Map<string, Block>} */
  #known = new Map();
  /** The blocks without users, the one unused for longest first. @type {Map<string, Block>} */
  #unused = new Map();
  /** The number of blocks in use that no other request can share. */
  #own = 0;

  /** @param {number} size in blocks @param {number} blockTokens */
  constructor(size, blockTokens) {
    this.size = size;
    this.blockTokens = blockTokens;
  }

  /** The part of the blocks that requests use. */
  get usage() {
    return (this.#known.size - this.#unused.size + this.#own) / this.size;
  }

  /**
   * Takes the blocks of a prompt and of `more` tokens. Returns undefined if there is no room now.
   * @param {string[]} hashes of the full blocks of the prompt
   * @param {number} more
   * @returns {Lease | undefined}
   */
  take(hashes, more) {
    const own = Math.ceil(more / this.blockTokens);
    const found = hashes.map((hash) => this.#known.get(hash));
    const missing = found.filter((block) => block === undefined).length;
    const revived = found.filter((block) => block?.users === 0).length;
    const free = this.size - this.#own - (this.#known.size - this.#unused.size) - revived;
    if (missing + own > free) return undefined;

    const hits = found.findIndex((block) => block?.isReady !== true);
    const cachedTokens = (hits === -1 ? hashes.length : hits) * this.blockTokens;
    for (const block of found) if (block !== undefined) this.#use(block);
    this.#own += own;
    this.#makeRoom(missing);
    const blocks = hashes.map((hash, index) => found[index] ?? this.#add(hash));
    return { blocks, own, cachedTokens };
  }

  /** Makes the first tokens of a prompt, which are computed, known to later requests. @param {Lease} lease */
  ready({ blocks }, /** @type {number} */ tokens) {
    for (const block of blocks.slice(0, Math.floor(tokens / this.blockTokens))) block.isReady = true;
  }

  /** Gives blocks back. The end of a prompt goes before its beginning. @param {Lease} lease */
  release({ blocks, own }) {
    this.#own -= own;
    for (const block of blocks.toReversed()) {
      block.users -= 1;
      if (block.users > 0) continue;
      if (block.isReady) this.#unused.set(block.hash, block);
      else this.#known.delete(block.hash);
    }
  }

  /** @param {Block} block */
  #use(block) {
    block.users += 1;
    this.#unused.delete(block.hash);
  }

  /** @param {string} hash */
  #add(hash) {
    const block = { hash, users: 1, isReady: false };
    this.#known.set(hash, block);
    return block;
  }

  /** Forgets blocks without users until there is room. @param {number} count */
  #makeRoom(count) {
    for (const hash of this.#unused.keys()) {
      if (this.#known.size + this.#own + count <= this.size) return;
      this.#unused.delete(hash);
      this.#known.delete(hash);
    }
  }
}
