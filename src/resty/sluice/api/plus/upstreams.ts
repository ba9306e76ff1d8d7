import { encode, list, record } from "../../lib/json";
import { parse_head, type Document } from "../../store/document/document";
import { parse_line } from "../../store/document/line";
import { upstream_not_found } from "../../store/document/problems";
import { dict_name, get_text } from "../../store/memory/dict";
import { active_requests } from "../../store/memory/rows";
import { reset_status, upstream_status, reset_upstream_status } from "../../store/memory/statistics";
import { etag, new_listing_pause, ok, reply, type Answered } from "../answer";
import { visible_names } from "../client/visible";
import { collection_pieces } from "../collection";
import { of_upstream } from "../existing";
import { wanted_fields } from "../fields";
import type { ApiRequest } from "../request";
import type { Route } from "../route";
import { peers_text } from "./peers";

/** `/http/upstreams`: the status of upstreams and their servers. */

const queue_record = record("size max_size overflows");

function zombies(document: Document): number {
  let count = 0;
  for (const leaver of document.leavers) {
    if (active_requests(leaver.row) > 0) count += 1;
  }
  return count;
}

function queue_text({ queue, row }: Document): string | undefined {
  if (queue === undefined) return undefined;
  const { waiting, overflows } = upstream_status(row);
  return encode(queue_record({ size: waiting, max_size: queue.size, overflows }));
}

function without_key_text({ method, row }: Document): string | undefined {
  return method === "hash" ? encode(upstream_status(row).without_key) : undefined;
}

/**
 * Makes the JSON text of a member of an upstream; undefined: the upstream does not have it.
 *
 * @param head the document without its servers, which begin at `start` of `text`
 */
type Member = (
  this: void,
  head: Document,
  text: string,
  start: number,
  pause: (this: void) => void,
) => string | undefined;

const MEMBERS: Record<string, Member | undefined> = {
  peers: peers_text,
  zombies: (head) => encode(zombies(head)),
  zone: () => encode(dict_name()),
  queue: queue_text,
  without_key: without_key_text,
};
/** The members in the order in which they are shown. */
const FIELDS = ["peers", "zombies", "zone", "queue", "without_key"];

/** Returns an upstream's status as JSON text. Reads only what `fields` need. */
function upstream_text(text: string, fields: readonly string[], pause: (this: void) => void): string {
  const [head, start] = parse_head(text);
  const parts: string[] = [];
  for (const field of fields) {
    const member = MEMBERS[field]?.(head, text, start, pause);
    if (member !== undefined) parts.push(`"${field}":${member}`);
  }
  return `{${table.concat(parts, ",")}}`;
}

function get_all(this: void, { client }: ApiRequest): Answered {
  const all = visible_names(client);
  const fields = wanted_fields() ?? FIELDS;
  if (fields.length === 0) return ok(list(all));
  const next_piece = collection_pieces(all, (name, pause) => {
    const text = get_text(name);
    return text === undefined ? undefined : upstream_text(text, fields, pause);
  });
  return $multi({ status: 200, next_piece, is_utf8: true }, undefined);
}

function get_one(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const text = get_text(name);
  if (text === undefined) return $multi(undefined, upstream_not_found(name));
  const body = upstream_text(text, wanted_fields() ?? FIELDS, new_listing_pause());
  return $multi({ status: 200, text: body, headers: { ETag: etag(parse_head(text)[0]) } }, undefined);
}

const reset = of_upstream((document) => {
  let [done, cause] = reset_upstream_status(document.row);
  for (const line of document.lines) {
    const { row, incarnation } = parse_line(line);
    if (done !== undefined) [done, cause] = reset_status(row, incarnation);
  }
  if (done === undefined) return $multi(undefined, { status: 503, code: "StoreBusy", text: cause ?? "" });
  return reply(204);
});

export const routes: Route[] = [
  { path: "http/upstreams", scope: "filtered", GET: get_all },
  { path: "http/upstreams/{name}", GET: get_one, DELETE: reset },
];
