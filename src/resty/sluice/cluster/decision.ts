import { is_later, is_unshared, parse_version, type Version } from "./version";

/** Decides which of two versions of an upstream is valid: this gateway's or etcd's. Pure. */

/** The content of an upstream's key in etcd. */
export interface Stored {
  revision: number;
  /** The version with that revision: of this history, or of the one that etcd was copied from. */
  version: Version;
  /** The version that the content had before it was put back; otherwise the same one. */
  content: Version;
}

/** What etcd knows besides the key. */
export interface Surroundings {
  history: string;
  /** Whether a gateway has put all its upstreams there: then a missing upstream was deleted. */
  is_complete: boolean;
  /** The version at which the upstream was deleted, if that is recorded. */
  deleted: Version | undefined;
}

/**
 * The step to take: nothing; take over etcd's version; delete the upstream here; put it into etcd; or delete
 * it in etcd, because it was deleted after it was put back.
 */
export type Step = "keep" | "take" | "delete" | "put back" | "delete in etcd";

function decide_missing(own: Version, { history, is_complete, deleted }: Surroundings): Step {
  if (own.history === history) return "delete";
  if (own.history === "") return is_complete ? "delete" : "put back";
  const is_deleted = deleted !== undefined && (deleted.history === history || is_later(deleted, own));
  return is_deleted ? "delete" : "put back";
}

/**
 * Returns the version of this gateway's content. What was put back into an etcd that has lost it again is as
 * old as before it was put back.
 */
function version_of_content(
  version: Version | undefined,
  own_origin: string | undefined,
  history: string,
): Version | undefined {
  return version?.history === history ? version : (parse_version(own_origin) ?? version);
}

/**
 * Within one history, etcd's version is valid. In an etcd that has lost its data, the newest version that a
 * gateway knows is valid until the upstream is changed; only a record of its deletion deletes it. `own`: "":
 * not shared yet. `own_origin`: the version before it was put back; undefined: it was not.
 */
export function decide(
  own: string | undefined,
  own_origin: string | undefined,
  stored: Stored | undefined,
  around: Surroundings,
): Step {
  const version = parse_version(own);
  const content = version_of_content(version, own_origin, around.history);
  if (stored === undefined) {
    if (own === undefined) return "keep";
    if (content !== undefined) return decide_missing(content, around);
    // A seed, or an upstream from before the gateway joined.
    return around.deleted === undefined ? "put back" : "delete";
  }
  if (own === undefined) {
    const { deleted, history } = around;
    const is_old = stored.content.history !== history;
    return is_old && deleted !== undefined && is_later(deleted, stored.content) ? "delete in etcd" : "take";
  }
  if (version === undefined || content === undefined) return "take";
  if (version.history === around.history) return version.revision < stored.revision ? "take" : "keep";
  if (version.history === stored.version.history)
    return is_later(version, stored.version) ? "put back" : "take";
  const is_newer = is_unshared(stored.content) ? !is_unshared(content) : is_later(content, stored.content);
  return is_newer ? "put back" : "take";
}
