import type { ServerStatus } from "./types";
import { stateSince } from "./issues";
import { duration, factor, percent, plural, withLocalTimes } from "./words";

/** Explains the share of a server in plain sentences. */

/** The servers of an upstream as far as an explanation compares them. */
export interface Company {
  method: string;
  panic: boolean;
  /** Whether the upstream binds clients to servers. */
  isSticky: boolean;
  servers: readonly ServerStatus[];
}

function isServing({ state, backup }: ServerStatus): boolean {
  return state === "up" && !backup;
}

/** Returns the part of the requests that the weight of a server gives it; undefined: it serves nothing. */
export function shareByWeight(server: ServerStatus, { servers, panic }: Company): number | undefined {
  const isIncluded = (one: ServerStatus): boolean =>
    panic ? !one.backup && one.down !== true : isServing(one);
  if (!isIncluded(server)) return undefined;
  const all = servers.filter(isIncluded).reduce((sum, { weight }) => sum + weight.effective, 0);
  return all === 0 ? undefined : server.weight.effective / all;
}

function weightSentences({ weight }: ServerStatus): string[] {
  const { configured, effective, slow_start, load, outlier, capacity, median_capacity } = weight;
  const isAsConfigured = effective === configured;
  const said = [
    `Its weight is ${factor(effective)}${isAsConfigured ? ", as configured" : `; ${factor(configured)} is configured`}.`,
  ];
  if (slow_start < 1)
    said.push(
      `Slow start: its weight is at ${percent(slow_start)} and rises, because it came back a short time ago.`,
    );
  if (load < 1) said.push(`Its load factor is ${factor(load)}: it reports more load than the median server.`);
  if (load > 1) said.push(`Its load factor is ${factor(load)}: it reports less load than the median server.`);
  if (outlier !== undefined && outlier < 1)
    said.push(
      `Outlier detection leaves ${percent(outlier)} of its weight, because it fails more requests or is slower than the other servers.`,
    );
  if (capacity !== undefined && median_capacity !== undefined)
    said.push(
      `Its capacity is ${factor(capacity)}, and that of the median server is ${factor(median_capacity)}.`,
    );
  return said;
}

const METHODS: Record<string, string> = {
  hash: "The method hash assigns requests by key, so the keys decide how many a server gets.",
  ip_hash:
    "The method ip_hash assigns requests by client address, so the clients decide how many a server gets.",
  least_conn: "The method least_conn prefers servers with few active requests, so a slow server gets fewer.",
  least_load:
    "The method least_load prefers servers that are expected to answer soon, so a slow server gets fewer.",
  least_time: "The method least_time prefers servers with short response times, so a slow server gets fewer.",
  random: "The method random chooses by chance, so shares differ for some time.",
};

function limitSentence({ active, max_conns, limit }: ServerStatus): string[] {
  const said: string[] = [];
  if (limit !== undefined) {
    const { light_time } = limit;
    const time =
      light_time === undefined ? "" : `: with few requests, a response takes ${Math.round(light_time)} ms`;
    said.push(`Its limit is adaptive, and ${plural(max_conns, "active request")} now${time}.`);
  }
  if (max_conns === 0 || active < max_conns) return said;
  return [
    ...said,
    `It is at its limit: ${active} of at most ${plural(max_conns, "active request")} (max_conns).`,
  ];
}

function stateSentence(server: ServerStatus, now: number): string[] {
  const { state, since, reason, backup, node } = server;
  if (state !== "up") return [`It is ${stateSince(state, since, now)}: ${withLocalTimes(reason)}.`];
  const said = reason === "it is healthy" ? [] : [`It is up, but ${reason}.`];
  if (backup) said.push("It is a backup server: it gets requests only while no primary server is available.");
  if (node !== undefined) said.push(`It has registered itself as node ${node}.`);
  return said;
}

/** A share that differs less from another one counts as equal, in percent. */
const NEAR = 1;

function shareSentence(server: ServerStatus, company: Company): string {
  const { picks, picks_percent } = server;
  if (picks === 0) return "It was not chosen in the last minute.";
  const got = `In the last minute it was chosen ${plural(picks, "time")}, ${picks_percent} % of all choices`;
  const share = shareByWeight(server, company);
  if (share === undefined) return `${got}.`;
  if (Math.abs(share * 100 - picks_percent) < NEAR) return `${got}, as its weight says.`;
  return `${got}; by weight alone it would be ${percent(share)}.`;
}

/** Returns why a server gets the requests that it gets. `now`: the gateway's clock, in ms since 1970. */
export function whyItsShare(server: ServerStatus, company: Company, now: number): string[] {
  const said = [...stateSentence(server, now), shareSentence(server, company)];
  if (company.panic) said.push("The upstream is in panic mode, so its health is ignored.");
  if (server.state !== "up" && !company.panic) return said;
  said.push(...weightSentences(server), ...limitSentence(server));
  const byMethod = METHODS[company.method];
  if (byMethod !== undefined) said.push(byMethod);
  if (company.isSticky)
    said.push("Clients are bound to servers (sticky), and a bound client stays with its server.");
  if (server.report_age !== undefined) said.push(`Its last report is ${duration(server.report_age)} old.`);
  return said;
}
