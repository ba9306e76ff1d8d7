import type { Problem } from "../config/problem";
import type { Document } from "../store/document/document";
import { etag } from "./answer";

/** A request's conditions (RFC 9110, section 13), which a change must meet before it is made. */
export interface Conditions {
  /** The value of `If-Match`. */
  match: string | undefined;
  /** The value of `If-None-Match`. */
  none_match: string | undefined;
}

const HEADERS = ["If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since"];

/** The value of a header; of several with one name, their list. */
function list_of(value: string | string[] | undefined): string | undefined {
  return value === undefined || typeof value === "string" ? value : table.concat(value, ",");
}

/**
 * Takes all conditions off the request. nginx would compare them with the answer, after the change, and replace the
 * answer by its own 412 or 304. Those on a time are ignored: nothing here has a time of modification.
 * Phase: content_by_lua.
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

/**
 * Tells whether a list of ETags has the upstream's. A weak one counts as the same: nginx makes the tag of a compressed
 * answer weak, and a client can only send back what it got.
 */
function includes(tags: string, current: Document | undefined): boolean {
  if (current === undefined) return false;
  const own = etag(current);
  for (const [tag] of string.gmatch(tags, "[^,%s]+")) {
    if (tag === "*" || tag === own || tag === `W/${own}`) return true;
  }
  return false;
}

function lost(text: string): Problem {
  return { status: 412, code: "PreconditionFailed", text };
}

/** Checks that `If-None-Match` does not name what is there. `current`: undefined if there is nothing. */
export function check_none_match(
  { none_match }: Conditions,
  current: Document | undefined,
): Problem | undefined {
  if (none_match === undefined || !includes(none_match, current)) return undefined;
  return lost("it exists already: If-None-Match names its current revision, or any");
}

/** Checks a request's conditions against what is there. Returns the problem if a change must not be made. */
export function check_conditions(conditions: Conditions, current: Document | undefined): Problem | undefined {
  const { match } = conditions;
  if (match !== undefined && !includes(match, current))
    return lost("the upstream has changed: If-Match names another revision");
  return check_none_match(conditions, current);
}
