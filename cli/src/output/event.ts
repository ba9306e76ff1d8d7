import type { GatewayEvent } from "../model/answers";
import { clean, moment } from "./text";
import { coloured } from "./terminal";

/** Shows events of a gateway, one line for each. */

function stateText(from: string | undefined, to: string): string {
  const isGood = to === "up";
  return `${from ?? ""} → ${coloured(isGood ? "green" : "red", to)}`;
}

function changeText({ change, added = 0, removed = 0, changed = 0, revision }: GatewayEvent): string {
  const parts = [
    ...(added > 0 ? [`${added} added`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
    ...(changed > 0 ? [`${changed} changed`] : []),
  ];
  const servers = parts.length === 0 ? "" : `, servers: ${parts.join(", ")}`;
  return `${change ?? "changed"} (revision ${revision})${servers}`;
}

function whatOf(event: GatewayEvent): string {
  const { old_state, new_state, decision, dry_run, problem, change } = event;
  if (new_state !== undefined) return stateText(old_state, new_state);
  if (decision !== undefined) return dry_run === true ? `${decision} (dry run)` : decision;
  if (change !== undefined) return changeText(event);
  return problem ?? "";
}

/** Returns the line of an event. */
export function eventLine(kind: string, event: GatewayEvent): string {
  if (kind === "lost") return `some events are missing here: ${clean(event.reason ?? "")}`;
  const { time, upstream, server, reason } = event;
  const parts = [
    moment(time),
    clean(upstream),
    ...(server === undefined ? [] : [clean(server)]),
    whatOf(event),
    ...(reason === undefined ? [] : [clean(reason)]),
  ];
  return parts.join("  ");
}
