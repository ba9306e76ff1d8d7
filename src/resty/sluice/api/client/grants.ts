import type { Role } from "../../config/access";
import { sha256 } from "../../lib/sha256";

/** What the holder of a token may do. A grant holds the digest of the token, never the token. */
export interface Grant {
  /** The SHA-256 digest of the token, 32 bytes. */
  readonly digest: string;
  readonly name: string;
  readonly role: Role;
  /** Undefined: all. */
  readonly upstreams: readonly string[] | undefined;
  /** In seconds since 1970; undefined: never. */
  readonly expires: number | undefined;
}

const DIGEST_BYTES = 32;

/** Returns the grant of a token without a name. */
export function unnamed_grant(token: string, name: string, role: Role): Grant {
  return { digest: sha256(token), name, role, upstreams: undefined, expires: undefined };
}

/** Compares all bytes, so that the time taken does not depend on where the digests differ. */
function are_equal(one: string, other: string): boolean {
  let different = 0;
  for (const index of $range(1, DIGEST_BYTES)) {
    different |= string.byte(one, index) ^ string.byte(other, index);
  }
  return different === 0;
}

/** Finds the grant of a token's digest. It always looks at all grants. Pure. */
export function find_grant(digest: string, ...lists: (readonly Grant[])[]): Grant | undefined {
  let found: Grant | undefined;
  for (const grants of lists) {
    for (const grant of grants) {
      if (are_equal(digest, grant.digest)) found = grant;
    }
  }
  return found;
}

function are_same_upstreams(one: Grant["upstreams"], other: Grant["upstreams"]): boolean {
  if (one === undefined || other === undefined) return one === other;
  return table.concat(one as string[], " ") === table.concat(other as string[], " ");
}

/** Tells whether two grants permit the same to the holder of the same token. Pure. */
export function are_same_grants(one: Grant, other: Grant): boolean {
  return (
    one.digest === other.digest &&
    one.name === other.name &&
    one.role === other.role &&
    one.expires === other.expires &&
    are_same_upstreams(one.upstreams, other.upstreams)
  );
}
