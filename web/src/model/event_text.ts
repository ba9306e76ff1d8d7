import { plural, withLocalTimes } from "./words";

/** An event of the gateway's stream. */
export interface GatewayEvent {
  /** The stream's cursor; a number for an event of the list. */
  cursor: string;
  kind: "state" | "decision" | "problem" | "change" | "lost";
  time: string | undefined;
  upstream: string | undefined;
  id: number | undefined;
  server: string | undefined;
  oldState: string | undefined;
  newState: string | undefined;
  decision: string | undefined;
  reason: string | undefined;
  /** For a change of the configuration. */
  change: string | undefined;
  added: number;
  removed: number;
  changed: number;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function whole(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

/** Reads an event of the stream or of the list. `data`: its JSON object. */
export function eventOf(kind: string, cursor: string, data: Record<string, unknown>): GatewayEvent {
  return {
    cursor,
    kind: kind as GatewayEvent["kind"],
    time: text(data.time),
    upstream: text(data.upstream),
    id: typeof data.id === "number" ? data.id : undefined,
    server: text(data.server),
    oldState: text(data.old_state),
    newState: text(data.new_state),
    decision: text(data.decision),
    reason: text(data.reason),
    change: text(data.change),
    added: whole(data.added),
    removed: whole(data.removed),
    changed: whole(data.changed),
  };
}

/** Returns the kind of an event of the list, which does not say it. */
export function kindOf(data: Record<string, unknown>): GatewayEvent["kind"] {
  if (data.new_state !== undefined) return "state";
  return data.decision === undefined ? "problem" : "decision";
}

function changeText({ change, added, removed, changed }: GatewayEvent): string {
  if (change === "deleted") return "was deleted";
  const parts = [
    added > 0 ? `${plural(added, "server")} added` : "",
    removed > 0 ? `${plural(removed, "server")} removed` : "",
    changed > 0 ? `${plural(changed, "server")} changed` : "",
  ].filter((part) => part !== "");
  const start = change === "created" ? "was created" : parts.length === 0 ? "has new settings" : "";
  return [start, parts.join(", ")].filter((part) => part !== "").join(": ");
}

/** Returns what happened, without the upstream's name and the time. */
export function eventText(event: GatewayEvent): string {
  const { kind, server, newState, decision, reason } = event;
  const because = reason === undefined ? "" : `: ${withLocalTimes(reason)}`;
  if (kind === "change") return changeText(event);
  if (kind === "state") return `${server ?? "a server"} is ${newState ?? "changed"}${because}`;
  if (kind === "decision") return `${decision === "scale_in" ? "scales in" : "scales out"}${because}`;
  if (kind === "lost") return `Some events were lost${because}`;
  return `${server === undefined ? "" : `${server}: `}${reason ?? "a problem"}`;
}
