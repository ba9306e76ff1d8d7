import type { Problem } from "../config/problem";
import type { Document } from "../store/document";
import { etag } from "./answer";

/**
 * The request's `If-Match`, which is taken off it: nginx would hold it against the ETag of the answer, the new one,
 * and make of that a 412. Phase: content_by_lua.
 */
export function take_if_match(): string | undefined {
  const condition = ngx.var.http_if_match;
  if (condition !== undefined) ngx.req.clear_header("If-Match");
  return condition;
}

/** Checks the value of `If-Match` against what is there. Returns the problem when it names another revision. */
export function check_match(
  condition: string | undefined,
  current: Document | undefined,
): Problem | undefined {
  if (condition === undefined) return undefined;
  if (current !== undefined) {
    for (const [tag] of string.gmatch(condition, "[^,%s]+")) {
      if (tag === "*" || tag === etag(current)) return undefined;
    }
  }
  return {
    status: 412,
    code: "PreconditionFailed",
    text: "the upstream has changed: If-Match names another revision",
  };
}
