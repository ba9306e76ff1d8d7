import type { ApiOptions } from "../config/options";

/** Access for pages of other origins, by the CORS protocol of the Fetch Standard. */

const READING = "GET, HEAD";
const CHANGING = `${READING}, POST, PUT, PATCH, DELETE`;
const REQUEST_HEADERS = "Authorization, Content-Type, If-Match, If-None-Match";
const RESPONSE_HEADERS = "Allow, ETag, Location, Retry-After";
/** Time for which a browser may cache the answer to a preflight request. */
const MAX_AGE_SECONDS = "600";

/** Tells whether a page of an origin in `api.origins` has sent the request. Phase: content_by_lua. */
export function is_from_listed_origin({ origins }: ApiOptions): boolean {
  const origin = ngx.var.http_origin;
  if (origin === undefined) return false;
  for (const known of origins) {
    if (string.lower(known) === string.lower(origin)) return true;
  }
  return false;
}

/** Lets a page of a listed origin read the answer. Phase: content_by_lua, before the answer. */
export function share_answer(options: ApiOptions): void {
  if (options.origins.length === 0) return;
  ngx.header.Vary = "Origin";
  if (!is_from_listed_origin(options)) return;
  ngx.header["Access-Control-Allow-Origin"] = ngx.var.http_origin;
  ngx.header["Access-Control-Expose-Headers"] = RESPONSE_HEADERS;
}

/** Returns the answer's headers if the request is a preflight of a listed origin. Phase: content_by_lua. */
export function preflight_headers(options: ApiOptions): Record<string, string> | undefined {
  const is_preflight =
    ngx.req.get_method() === "OPTIONS" && ngx.var.http_access_control_request_method !== undefined;
  if (!is_preflight || !is_from_listed_origin(options)) return undefined;
  return {
    "Access-Control-Allow-Methods": options.write ? CHANGING : READING,
    "Access-Control-Allow-Headers": REQUEST_HEADERS,
    "Access-Control-Max-Age": MAX_AGE_SECONDS,
  };
}
