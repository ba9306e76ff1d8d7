import type { Read } from "../../config/reader";
import { upstream_not_found } from "../../store/document/problems";
import { names } from "../../store/document/read";
import { get_text } from "../../store/memory/dict";
import type { Answered } from "../answer";
import { check_upstream, covers_all, type Client } from "../client/client";
import { visible_names } from "../client/visible";
import { argument, type ApiRequest } from "../request";
import type { Route } from "../route";
import { family_pieces, type Family } from "./family";
import { cluster_families, discovery_families } from "./follow_families";
import { format_for } from "./format";
import { gateway_families } from "./gateway_families";
import { server_families } from "./server_families";
import { take_snapshot } from "./snapshot";
import { template_families } from "./template_families";
import { split_families } from "./split_families";
import { upstream_families } from "./upstream_families";

/** `/metrics`: the state of the gateway for Prometheus. */

/**
 * Reads the query argument `upstream`: names with commas between them. Undefined: it is absent, and the
 * client sees all upstreams.
 */
function wanted_names(client: Client): Read<string[]> {
  const given = argument("upstream");
  if (given === undefined) return $multi(covers_all(client) ? undefined : visible_names(client), undefined);
  const wanted: string[] = [];
  const known = new LuaSet<string>();
  for (const [name] of string.gmatch(given, "[^,]+")) {
    const hidden = check_upstream(client, name);
    if (hidden !== undefined) return $multi(undefined, hidden);
    if (get_text(name) === undefined) return $multi(undefined, upstream_not_found(name));
    if (!known.has(name)) wanted.push(name);
    known.add(name);
  }
  if (wanted.length === 0) return $multi(undefined, upstream_not_found(given));
  return $multi(wanted, undefined);
}

/** Makes all families. `wanted`: only families of these upstreams. */
function families_of(
  { options }: ApiRequest,
  wanted: readonly string[] | undefined,
  pause: (this: void) => void,
): Family[] {
  const { per_server, codes } = options.metrics;
  const snapshot = take_snapshot(wanted ?? names(), per_server, pause);
  const families: Family[] = [];
  const add = (more: readonly Family[]) => {
    for (const family of more) families.push(family);
  };
  if (wanted === undefined) {
    add(gateway_families());
    add(cluster_families());
    add(template_families());
  }
  add(discovery_families(snapshot.upstreams, pause));
  add(upstream_families(snapshot, pause));
  add(split_families(snapshot.upstreams, pause));
  if (per_server) add(server_families(snapshot.servers, codes));
  return families;
}

function get(this: void, request: ApiRequest): Answered {
  const [wanted, problem] = wanted_names(request.client);
  if (problem !== undefined) return $multi(undefined, problem);
  const format = format_for(ngx.var.http_accept);
  const next_piece =
    ngx.req.get_method() === "HEAD"
      ? () => undefined
      : family_pieces((pause) => families_of(request, wanted, pause), format);
  const headers = { Vary: "Accept" };
  return $multi(
    { status: 200, content_type: format.content_type, next_piece, is_utf8: true, headers },
    undefined,
  );
}

export const routes: Route[] = [{ path: "metrics", scope: "filtered", GET: get }];
