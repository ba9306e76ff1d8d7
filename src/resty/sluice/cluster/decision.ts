import { is_later, is_unshared, parse_version, type Version } from "./version";

/** Decides which of two versions of an upstream holds: that of this gateway or that in etcd. Pure. */

/** What an upstream's key in etcd holds. */
export interface Stored {
  /** etcd's revision of it. */
  revision: number;
  /** The version of an earlier history that was put back or copied; undefined: it is a change. */
  origin: Version | undefined;
}

/** What etcd knows beside the key itself. */
export interface Surroundings {
  /** The history of the etcd. */
  history: string;
  /**
   * Whether a gateway has once put there all that it had: then what is not there was deleted.
   */
  is_complete: boolean;
  /** The version at which the upstream was deleted, if that is recorded. */
  deleted: Version | undefined;
}

/**
 * What is to be done: nothing; take over what etcd has; delete the upstream here; put it into etcd; or delete
 * it in etcd, because it was deleted later than it was put back.
 */
export type Step = "keep" | "take" | "delete" | "put back" | "delete in etcd";

/** Of an upstream that etcd does not have. */
function decide_missing(own: Version, { history, is_complete, deleted }: Surroundings): Step {
  if (own.history === history) return "delete";
  if (own.history === "") return is_complete ? "delete" : "put back";
  const is_deleted = deleted !== undefined && (deleted.history === history || is_later(deleted, own));
  return is_deleted ? "delete" : "put back";
}

/**
 * Decides. Within one history, etcd holds. Of an etcd that has lost its data, the newest version holds that a
 * gateway knows, until the upstream is changed; and an upstream is deleted only if that is recorded.
 *
 * @param own the version here, as the document has it; "": not shared yet; undefined: there is none
 * @param stored what etcd has; undefined: nothing
 */
export function decide(own: string | undefined, stored: Stored | undefined, around: Surroundings): Step {
  const version = parse_version(own);
  const origin = stored?.origin;
  if (stored === undefined) {
    if (own === undefined) return "keep";
    if (version !== undefined) return decide_missing(version, around);
    // A seed, or what the gateway had before it joined.
    return around.deleted === undefined ? "put back" : "delete";
  }
  if (own === undefined) {
    const { deleted } = around;
    return origin !== undefined && deleted !== undefined && is_later(deleted, origin)
      ? "delete in etcd"
      : "take";
  }
  if (version === undefined) return "take";
  if (version.history === around.history) return version.revision < stored.revision ? "take" : "keep";
  if (origin === undefined) return "take";
  return is_unshared(origin) || is_later(version, origin) ? "put back" : "take";
}
