import { etag, page, policy } from "resty.sluice.dashboard";

import type { Answered } from "./answer";
import { includes_tag } from "./precondition";
import type { ApiRequest } from "./request";
import type { Route } from "./route";

/** `/dashboard`: the page of the dashboard. It contains no data: its script asks this API. */

function get(this: void, { options, conditions }: ApiRequest): Answered {
  if (!options.dashboard) {
    const text = "the dashboard is off: api.dashboard is false";
    return $multi(undefined, { status: 404, code: "PathNotFound", text });
  }
  const headers = {
    ETag: etag,
    "Cache-Control": "no-cache",
    "Content-Security-Policy": policy,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
  const is_known = conditions.none_match !== undefined && includes_tag(conditions.none_match, etag);
  if (is_known) return $multi({ status: 304, headers }, undefined);
  return $multi({ status: 200, text: page, content_type: "text/html; charset=utf-8", headers }, undefined);
}

export const routes: Route[] = [{ path: "dashboard", is_page: true, GET: get }];
