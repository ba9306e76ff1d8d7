import { as_object, decode } from "../../lib/json";
import { get_events } from "../../store/memory/dict";
import { new_listing_pause, type Answered } from "../answer";
import { covers, covers_all, type Client } from "../client/client";
import type { ApiRequest } from "../request";
import type { Route } from "../route";

/** `/sluice/1/events`: the last 1,000 events, oldest first. */

const EVENTS_A_PIECE = 100;

/** Returns the events about upstreams that a client sees. */
function visible_events(client: Client): string[] {
  const all = get_events();
  if (covers_all(client)) return all;
  const pause = new_listing_pause();
  const texts: string[] = [];
  for (const text of all) {
    const { upstream } = as_object(decode(text)[0]);
    if (typeof upstream === "string" && covers(client, upstream)) texts.push(text);
    pause();
  }
  return texts;
}

function get(this: void, { client }: ApiRequest): Answered {
  const texts = visible_events(client);
  let position = 0;
  let is_done = false;
  const next_piece = (): string | undefined => {
    if (is_done) return undefined;
    const start = position === 0 ? "[" : ",";
    const last = math.min(position + EVENTS_A_PIECE, texts.length);
    const piece = table.concat(texts, ",", position + 1, last);
    position = last;
    is_done = position >= texts.length;
    return start + piece + (is_done ? "]" : "");
  };
  return $multi({ status: 200, next_piece }, undefined);
}

export const routes: Route[] = [{ path: "events", scope: "filtered", GET: get }];
