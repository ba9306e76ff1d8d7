/** SHA-256 (FIPS 180-4). Debian's nginx has no Lua module for it. */

const BLOCK_BYTES = 64;
/** A text is followed by one byte, zeros, and its length in the last eight bytes of a block. */
const BYTES_BEFORE_LENGTH = 56;
const TWO_TO_32 = 2 ** 32;

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const ROUND_CONSTANTS = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
];
/** The first 32 bits of the fractional parts of the square roots of the first eight primes. */
const INITIAL_STATE = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

const words: number[] = [];

function rotated(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** Makes the 64 words of the block that begins at a position. */
function expand(text: string, start: number): void {
  for (const index of $range(0, 15)) {
    const [a, b, c, d] = string.byte(text, start + index * 4, start + index * 4 + 3);
    words[index] = (a << 24) | (b << 16) | (c << 8) | d;
  }
  for (const index of $range(16, 63)) {
    const early = words[index - 15];
    const late = words[index - 2];
    const small = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3);
    const large = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10);
    words[index] = (words[index - 16] + small + words[index - 7] + large) | 0;
  }
}

/** Adds a block to the state. */
function compress(state: number[], text: string, start: number): void {
  expand(text, start);
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (const index of $range(0, 63)) {
    const large = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const chosen = (e & f) ^ (~e & g);
    const one = (h + large + chosen + ROUND_CONSTANTS[index] + words[index]) | 0;
    const small = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + small + majority) | 0;
  }
  state[0] = (state[0] + a) | 0;
  state[1] = (state[1] + b) | 0;
  state[2] = (state[2] + c) | 0;
  state[3] = (state[3] + d) | 0;
  state[4] = (state[4] + e) | 0;
  state[5] = (state[5] + f) | 0;
  state[6] = (state[6] + g) | 0;
  state[7] = (state[7] + h) | 0;
}

/** Returns four bytes, the highest first. */
function bytes_of(word: number): string {
  return string.char((word >>> 24) & 0xff, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff);
}

/** Returns the digest of a text, 32 bytes. Pure; linear time. */
export function sha256(text: string): string {
  const filled = (text.length + 1) % BLOCK_BYTES;
  const zeros = (BLOCK_BYTES + BYTES_BEFORE_LENGTH - filled) % BLOCK_BYTES;
  const bits = text.length * 8;
  const length = bytes_of(math.floor(bits / TWO_TO_32)) + bytes_of(bits % TWO_TO_32);
  const padded = `${text}${string.char(0x80)}${string.rep("\0", zeros)}${length}`;
  const state: number[] = [];
  for (const word of INITIAL_STATE) state.push(word);
  for (const start of $range(1, padded.length, BLOCK_BYTES)) compress(state, padded, start);
  let digest = "";
  for (const word of state) digest += bytes_of(word);
  return digest;
}

/** Returns the bytes of a text of hexadecimal digits; undefined: it is not one. Pure. */
export function bytes_of_hex(text: string): string | undefined {
  if (text.length % 2 !== 0 || string.find(text, "^%x*$")[0] === undefined) return undefined;
  return string.gsub(text, "%x%x", (digits) => string.char(tonumber(digits, 16) as number))[0];
}
