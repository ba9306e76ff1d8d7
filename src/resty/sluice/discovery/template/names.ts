import { name_in_key, type KeyPrefix } from "../../config/key_prefix";
import { check_name } from "../../config/name";

/** The names of upstreams in the entries of a registry. Pure. */

/** Where a key belongs. */
export interface Place {
  /** The upstream; undefined: none. */
  name: string | undefined;
  /** Why a key that has a name belongs to no upstream; undefined: it does, or is none of the template's. */
  reason: string | undefined;
}

/** Returns why an upstream cannot have a name of the registry; undefined: it can. */
export function unfit_name(name: string): string | undefined {
  return check_name(name)?.text;
}

/** Returns the upstream to which a key belongs. The key begins with the part before the name. */
export function place_of_key(prefix: KeyPrefix, key: string): Place {
  const [name, is_below] = name_in_key(prefix, key);
  if (name === undefined) return { name: undefined, reason: "the key has no slash after its name" };
  // Other keys beside those of the servers are nobody's fault.
  if (!is_below) return { name: undefined, reason: undefined };
  const reason = unfit_name(name);
  return { name: reason === undefined ? name : undefined, reason };
}
