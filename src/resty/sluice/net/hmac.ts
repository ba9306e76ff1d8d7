import * as ffi from "ffi";
import type { Result } from "../lib/result";

/** HMAC-SHA256, computed by the libcrypto that nginx has loaded. */

interface Crypto {
  sluice_sha256: (this: void) => ffi.CData;
  sluice_hmac: (
    this: void,
    type: ffi.CData,
    key: string,
    key_length: number,
    data: string,
    length: number,
    digest: ffi.CData,
    digest_length: undefined,
  ) => ffi.CData;
}

// The names differ from those of libcrypto, because other modules may declare the same functions.
ffi.cdef(`
  const void *sluice_sha256(void) __asm__("EVP_sha256");
  unsigned char *sluice_hmac(const void *, const char *, int, const char *, size_t, unsigned char *, unsigned int *)
    __asm__("HMAC");
`);

const C = ffi.C as Crypto;
const DIGEST_BYTES = 32;

function hex(bytes: string): string {
  return string.gsub(bytes, ".", (byte) => string.format("%02x", string.byte(byte)))[0];
}

/** Returns the HMAC-SHA256 of a text in hexadecimal digits, if nginx has libcrypto. Any phase. */
export function hmac_sha256(key: string, text: string): Result<string> {
  const digest = ffi.new("unsigned char[?]", DIGEST_BYTES);
  const [signed, failure] = pcall(() => {
    C.sluice_hmac(C.sluice_sha256(), key, key.length, text, text.length, digest, undefined);
  });
  if (!signed) return $multi(undefined, `could not sign: ${tostring(failure)}`);
  return $multi(hex(ffi.string(digest, DIGEST_BYTES)), undefined);
}
