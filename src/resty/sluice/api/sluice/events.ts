import { get_events } from "../../store/memory/dict";
import type { Answered } from "../answer";
import type { Route } from "../route";

/** `/sluice/1/events`: the last 1,000 events, oldest first. */

const EVENTS_A_PIECE = 100;

function get(this: void): Answered {
  const texts = get_events();
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

export const routes: Route[] = [{ path: "events", GET: get }];
