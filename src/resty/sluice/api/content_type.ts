import type { Problem } from "../config/problem";

/**
 * Checks the media type of a write's body. A browser lets a page of any site send three media types without a
 * preflight request, which the API answers only to listed origins.
 */

const FORM = "application/x-www-form-urlencoded";
const TEXT = "text/plain";

function refused(reason: string): Problem {
  return { status: 415, code: "UnsupportedMediaType", text: reason };
}

/** Returns the media type in lower case, without parameters; undefined: the text is malformed. */
function media_type(text: string): string | undefined {
  const [type, next] = string.match(text, "^([^;%s]*)%s*(.?)");
  return next === "" || next === ";" ? string.lower(type ?? "") : undefined;
}

function is_json(type: string): boolean {
  return type === "application/json" || string.find(type, "^application/[^/,]+%+json$")[0] !== undefined;
}

/** Tells whether a request, such as that of `curl -d`, has none of the headers that browsers add to forms. */
function is_without_browser(): boolean {
  return (
    ngx.var.http_origin === undefined &&
    ngx.var.http_referer === undefined &&
    ngx.var.http_cookie === undefined &&
    ngx.var.http_sec_fetch_site === undefined
  );
}

/**
 * Tells whether a page sent the request, as NGINX Plus' dashboard does. `check_source` has refused others.
 */
function is_from_known_page(): boolean {
  return ngx.var.http_origin !== undefined || ngx.var.http_sec_fetch_site === "same-origin";
}

/** Checks the `Content-Type` of a write. Phase: content_by_lua, after the check of the origin. */
export function check_content_type(): Problem | undefined {
  const given = ngx.req.get_headers(0)["content-type"];
  if (given === undefined) return undefined;
  if (typeof given !== "string") return refused("the request has more than one Content-Type header");
  const type = media_type(given);
  if (type === "" || (type !== undefined && is_json(type))) return undefined;
  if (type === FORM) {
    if (is_without_browser()) return undefined;
    return refused(`a browser may not send "${FORM}": set Content-Type to application/json`);
  }
  if (type === TEXT && is_from_known_page()) return undefined;
  return refused("the Content-Type is not application/json");
}
