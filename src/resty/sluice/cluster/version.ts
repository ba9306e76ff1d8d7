import { CLUSTER_DIGITS, HISTORY_DIGITS, NO_HISTORY } from "../store/document/clustered";
import type { Document } from "../store/document/document";

/** The version of a shared upstream: a history of etcd, and etcd's revision in it. Pure. */

/** A version. Revisions of different histories cannot be compared. */
export interface Version {
  /** An etcd that has lost its data begins another history. "": a document of version 0.1.0. */
  history: string;
  revision: number;
}

/** The history of an etcd, as its keys tell it. */
export interface History {
  history: string;
  /** etcd's revision at which it began. */
  began: number;
  /** The previous history, if etcd was restored from a copy: versions older than `began` belong to it. */
  before: string | undefined;
}

/** Formats a version for a document. All versions have the same length. */
export function format_version({ history, revision }: Version): string {
  return string.format(`%s.%0${CLUSTER_DIGITS}d`, history, revision);
}

/** Parses a version. Returns undefined when there is none. */
export function parse_version(text: string | undefined): Version | undefined {
  if (text === undefined) return undefined;
  const [history, digits] = string.match(text, "^(%x+)%.(%d+)$");
  if (digits !== undefined && history.length === HISTORY_DIGITS)
    return { history, revision: tonumber(digits) ?? 0 };
  return string.find(text, "^%d+$")[0] === undefined
    ? undefined
    : { history: "", revision: tonumber(text) ?? 0 };
}

/** Returns the version of a document; undefined: there is none, or it is not shared yet. */
export function version_of(document: Document | undefined): Version | undefined {
  return parse_version(document?.cluster_revision);
}

/** Returns the version that was written at a revision of this history, or of the one that was copied. */
export function version_at({ history, began, before }: History, revision: number): Version {
  return { history: before !== undefined && revision < began ? before : history, revision };
}

/**
 * Returns whether a version is that of a document which was never shared, such as a seed: every shared
 * version is newer.
 */
export function is_unshared({ history }: Version): boolean {
  return history === NO_HISTORY;
}

/** Returns whether a version belongs to the same history as another one, and is later. */
export function is_later(version: Version, other: Version): boolean {
  return version.history === other.history && version.revision > other.revision;
}

/** Returns etcd's revision of a document; 0: it belongs to another history, or is not shared. */
export function revision_in(history: string, document: Document | undefined): number {
  const version = version_of(document);
  return version?.history === history ? version.revision : 0;
}
