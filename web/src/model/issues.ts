import type { Figures } from "./figures";
import { severityOf, worstOf, type Severity } from "./severity";
import type { GatewayStatus, Problem, SummaryFields, WorstServer } from "./types";
import { count, duration, percent, plural, secondsSince, withLocalTimes } from "./words";

/** What is wrong with an upstream or with the gateway, in sentences. */

export interface Issue {
  severity: Severity;
  text: string;
}

/** The part of failed requests from which an upstream needs attention. */
const MANY_ERRORS = 0.05;

/** What the gateway says of a standby server that waits. Nothing is wrong with it. */
const STANDS_BY = "it is a standby server that is not in service";

/** Returns the number of servers of an upstream. */
export function serverCount({ states }: Pick<SummaryFields, "states">): number {
  return Object.values(states).reduce((sum, some) => sum + some, 0);
}

/** Returns a state with its age: "unhealthy since 2 min". `now`: the gateway's clock, in ms since 1970. */
export function stateSince(state: string, since: string | undefined, now: number): string {
  return since === undefined ? state : `${state} since ${duration(secondsSince(since, now))}`;
}

/** Returns what is wrong with a server in one sentence. */
export function serverSentence({ server, state, since, reason }: WorstServer, now: number): string {
  return `${server} is ${stateSince(state, since, now)}: ${withLocalTimes(reason)}`;
}

/** Returns what is wrong with the members of a split. That all are unavailable is among its problems. */
function memberIssue({ split = [] }: SummaryFields): Issue | undefined {
  const missing = split.filter(({ weight, available }) => weight > 0 && !available);
  if (missing.length === 0 || missing.length === split.length) return undefined;
  const names = missing.map(({ upstream }) => upstream).join(", ");
  return { severity: "warning", text: `Others get the share of ${names}, which has no available server.` };
}

function servingIssue(summary: SummaryFields): Issue | undefined {
  const { states, panic, split } = summary;
  if (split !== undefined) return memberIssue(summary);
  const total = serverCount(summary);
  if (total === 0) return { severity: "warning", text: "It has no servers: every request gets 502." };
  if (panic === true) {
    const text =
      "Panic: too few servers are available, so requests go to all of them, whatever their health.";
    return { severity: "critical", text };
  }
  const ready = states.up ?? 0;
  if (ready > 0) return undefined;
  const isIntended = (states.down ?? 0) + (states.draining ?? 0) === total;
  return {
    severity: isIntended ? "warning" : "critical",
    text: "No server is available: every request gets 502.",
  };
}

function serverIssue(summary: SummaryFields, now: number): Issue | undefined {
  const { worst, states } = summary;
  if (worst === undefined || worst.state === "up") return undefined;
  if (worst.state === "down" && worst.reason === STANDS_BY) return undefined;
  const others = (states[worst.state] ?? 1) - 1;
  const more = others > 0 ? ` (and ${plural(others, "other is", "others are")} ${worst.state})` : "";
  return { severity: severityOf(worst.state), text: serverSentence(worst, now) + more };
}

function discoveryIssue({ discovery }: SummaryFields): Issue | undefined {
  if (discovery === undefined || discovery.state === "ok") return undefined;
  if (discovery.state === "starting") return { severity: "notice", text: "Discovery is starting." };
  return {
    severity: "warning",
    text: `Discovery is failing: ${discovery.error ?? "the reason is not known"}`,
  };
}

function queueIssue({ queue }: SummaryFields): Issue | undefined {
  if (queue === undefined || queue.size === 0) return undefined;
  const text = `${count(queue.size)} of at most ${plural(queue.max_size, "request")} wait in the queue.`;
  return { severity: queue.size >= queue.max_size ? "warning" : "notice", text };
}

function errorIssue({ errors }: Figures): Issue | undefined {
  if (errors === undefined || errors < MANY_ERRORS) return undefined;
  return { severity: "warning", text: `${percent(errors)} of the requests fail.` };
}

function problemIssue({ problem, reason }: Problem): Issue {
  return { severity: problem === "split_unavailable" ? "critical" : "warning", text: sentence(reason) };
}

/** Returns what is wrong with an upstream, the worst first. `now`: the gateway's clock, in ms since 1970. */
export function issuesOf(summary: SummaryFields, figures: Figures, now: number): Issue[] {
  const found = [
    servingIssue(summary),
    serverIssue(summary, now),
    discoveryIssue(summary),
    errorIssue(figures),
    queueIssue(summary),
    ...(summary.problems ?? []).map(problemIssue),
  ];
  return found.filter((issue) => issue !== undefined);
}

/** Returns what is wrong with the gateway itself. */
export function gatewayIssues({ problems, cluster }: Pick<GatewayStatus, "problems" | "cluster">): Issue[] {
  const issues = problems.map(({ reason }): Issue => ({ severity: "warning", text: sentence(reason) }));
  if (cluster === undefined || cluster.state === "ok") return issues;
  const detail =
    cluster.error ?? (cluster.problem_count > 0 ? `${plural(cluster.problem_count, "upstream")} differ` : "");
  const severity: Severity = cluster.state === "starting" ? "notice" : "warning";
  const text = `The cluster is ${cluster.state}${detail === "" ? "." : `: ${detail}`}`;
  return [...issues, { severity, text }];
}

/** Returns a reason as a sentence that begins with a capital letter. */
export function sentence(reason: string): string {
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}

export function severityOfIssues(issues: readonly Issue[]): Severity {
  return worstOf(issues.map(({ severity }) => severity));
}
