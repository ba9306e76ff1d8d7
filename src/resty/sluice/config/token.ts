import { parse_iso8601 } from "../lib/iso8601";
import { bytes_of_hex } from "../lib/sha256";
import { read_patterns, read_role } from "./access";
import { block, optional, required, secret, type ConfigOf } from "./block";
import { invalid_value } from "./problem";
import { refuse, type Read } from "./reader";
import { text_to } from "./texts";

/** An entry of `api.tokens_file`. The reason of a refusal never quotes a token or its digest. */

const LONGEST_NAME = 128;
const DIGEST_BYTES = 32;

function read_token(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || string.find(value, "^[!-~]+$")[0] === undefined)
    return refuse(path, "must consist of printable ASCII characters without spaces");
  return $multi(value, undefined);
}

/** Reads a digest in hexadecimal digits. Returns its bytes. */
function read_digest(this: void, path: string, value: unknown): Read<string> {
  const bytes = typeof value === "string" ? bytes_of_hex(value) : undefined;
  if (bytes === undefined || bytes.length !== DIGEST_BYTES)
    return refuse(path, "must be a SHA-256 digest: 64 hexadecimal digits");
  return $multi(bytes, undefined);
}

/** Reads a time in ISO 8601. Returns it in seconds since 1970. */
function read_time(this: void, path: string, value: unknown): Read<number> {
  const time = typeof value === "string" ? parse_iso8601(value) : undefined;
  if (time === undefined)
    return refuse(path, 'must be a time in ISO 8601 and UTC, such as "2027-01-31T00:00:00Z"');
  return $multi(time, undefined);
}

export const TOKEN = block(
  {
    name: required(text_to(LONGEST_NAME)),
    sha256: secret(optional(read_digest)),
    token: secret(optional(read_token)),
    role: required(read_role),
    upstreams: optional(read_patterns),
    expires: optional(read_time),
  },
  (path, { sha256, token }) => {
    const is_one = (sha256 === undefined) !== (token === undefined);
    return is_one ? undefined : invalid_value(path, 'must have either "sha256" or "token"');
  },
);
export type TokenConfig = ConfigOf<typeof TOKEN>;
