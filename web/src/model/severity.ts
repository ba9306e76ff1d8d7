import type { ServerState } from "./types";

/** How bad a state is. */
export type Severity = "critical" | "warning" | "notice" | "ok";

const ORDER: readonly Severity[] = ["critical", "warning", "notice", "ok"];

/** The place of a severity, the worst first. */
export function rankOf(severity: Severity): number {
  return ORDER.indexOf(severity);
}

export function worstOf(severities: readonly Severity[]): Severity {
  return ORDER.find((severity) => severities.includes(severity)) ?? "ok";
}

/** The states of servers, the worst first. */
export const STATES: readonly ServerState[] = ["unhealthy", "unavail", "checking", "draining", "down", "up"];

const SEVERITIES: Record<ServerState, Severity> = {
  unhealthy: "warning",
  unavail: "warning",
  checking: "notice",
  draining: "notice",
  down: "notice",
  up: "ok",
};

/** How bad the state of one server is. An upstream without any server that is up is worse. */
export function severityOf(state: ServerState): Severity {
  return SEVERITIES[state];
}
