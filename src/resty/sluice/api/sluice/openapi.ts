import { after, before } from "resty.sluice.openapi";

import type { Answered } from "../answer";
import type { ApiRequest } from "../request";
import type { Route } from "../route";

/** `/sluice/1/openapi.json`: the description of this API, in OpenAPI 3.1. */

function get(this: void, { options }: ApiRequest): Answered {
  return $multi({ status: 200, text: `${before}${options.prefix}${after}` }, undefined);
}

export const routes: Route[] = [{ path: "openapi.json", scope: "neutral", GET: get }];
