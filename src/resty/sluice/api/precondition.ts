import type { Problem } from "../config/problem";
import type { Document } from "../store/document/document";
import { etag } from "./answer";

/** The conditions of a request (RFC 9110, section 13). A change is made only if it meets them. */
export interface Conditions {
  /** The value of `If-Match`. */
  match: string | undefined;
  /** The value of `If-None-Match`. */
  none_match: string | undefined;
}

export const NO_CONDITIONS: Conditions = { match: undefined, none_match: undefined };

const HEADERS = ["If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since"];

/** Returns the value of a header; several headers of one name form one list. */
function list_of(value: string | string[] | undefined): string | undefined {
  return value === undefined || typeof value === "string" ? value : table.concat(value, ",");
}

/**
 * Takes the conditions off the request. nginx would compare them with the response, after the change, and
 * replace the response. Resources have no modification time. Phase: content_by_lua.
 */
export function take_conditions(): Conditions {
  const headers = ngx.req.get_headers(0);
  const conditions = {
    match: list_of(headers["if-match"]),
    none_match: list_of(headers["if-none-match"]),
  };
  for (const name of HEADERS) ngx.req.clear_header(name);
  return conditions;
}

/** Tells whether a list of ETags includes one, even as a weak one: nginx weakens it if it compresses. */
export function includes_tag(tags: string, own: string): boolean {
  for (const [tag] of string.gmatch(tags, "[^,%s]+")) {
    if (tag === "*" || tag === own || tag === `W/${own}`) return true;
  }
  return false;
}

function includes(tags: string, current: Document | undefined): boolean {
  return current !== undefined && includes_tag(tags, etag(current));
}

function lost(text: string): Problem {
  return { status: 412, code: "PreconditionFailed", text };
}

/** Checks `If-None-Match`. `current`: the upstream's document; undefined: it does not exist. */
export function check_none_match(
  { none_match }: Conditions,
  current: Document | undefined,
): Problem | undefined {
  if (none_match === undefined || !includes(none_match, current)) return undefined;
  return lost('If-None-Match names the current revision, or "*" and it exists');
}

/** Checks the conditions of a request. Returns the problem if the change must not be made. */
export function check_conditions(conditions: Conditions, current: Document | undefined): Problem | undefined {
  const { match } = conditions;
  if (match !== undefined && !includes(match, current))
    return lost("the upstream has changed: If-Match names another revision");
  return check_none_match(conditions, current);
}
