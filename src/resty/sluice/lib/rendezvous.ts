/**
 * Weighted rendezvous hashing: each key belongs to the candidate with the lowest score. When a weight rises,
 * keys move only to that candidate, and when a candidate leaves, only its keys move. The score is that of the
 * logarithmic method of Schindelhauer and Schomaker, "Weighted distributed hash tables" (SPAA 2005). Hot.
 */

const TWO_16 = 65536;
const TWO_32 = 4294967296;
/** Not looked up in each request: LuaJIT limits the constants of a request's path. */
const { log } = math;

/** Multiplies 32-bit numbers modulo 2^32. A double would lose the low bits of the whole product. */
function multiply(a: number, b: number): number {
  return ((a & 0xffff) * b + (((a >>> 16) * b) & 0xffff) * TWO_16) | 0;
}

function mixed(hash: number, seed: number): number {
  let bits = hash ^ seed;
  bits = multiply(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = multiply(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) % TWO_32;
}

/**
 * Mixes a 32-bit hash with a seed: MurmurHash3's finalizer, by Austin Appleby. Returns 0 to 2^32 - 1. Unlike
 * a CRC-32 alone, the results for two seeds are independent of each other.
 */
export function mix(hash: number, seed: number): number {
  return mixed(hash, seed);
}

/** Returns the score of a key's hash at a candidate. `seed` identifies the candidate; `weight`: above 0. */
export function score_of(hash: number, seed: number, weight: number): number {
  return -log((mixed(hash, seed) + 0.5) / TWO_32) / weight;
}
