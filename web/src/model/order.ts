import type { Figures, Percentiles } from "./figures";
import { serverCount } from "./issues";
import { rankOf, STATES, type Severity } from "./severity";
import type { ServerStatus, SummaryFields } from "./types";

/** Orders of the rows of a table. */

export interface Sort<Column> {
  column: Column;
  isDescending: boolean;
}

export type UpstreamColumn = "state" | "name" | "servers" | "rate" | "errors" | "p50" | "p99" | "active";
export type ServerColumn =
  "state" | "server" | "weight" | "share" | "rate" | "active" | "errors" | "p50" | "p99";

/** Something with a place in the order of names, which is compared much faster than a name. */
interface Ranked {
  rank: number;
}

interface UpstreamRow extends Ranked {
  summary: SummaryFields;
  figures: Figures;
  percentiles: Percentiles;
  severity: Severity;
}

interface ServerRow extends Ranked {
  status: ServerStatus;
  figures: Figures;
  percentiles: Percentiles;
}

/** Returns a text that orders names: "web-2" comes before "web-10". A collator would be ten times slower. */
function keyOf(name: string): string {
  return name.replace(/\d+/g, (digits) => digits.padStart(12, "0"));
}

/** Gives each element its place in the order of names. */
export function giveRanks<Element extends Ranked>(
  elements: readonly Element[],
  nameOf: (element: Element) => string,
): void {
  const keyed = elements.map((element) => ({ element, key: keyOf(nameOf(element)) }));
  keyed.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
  for (const [rank, { element }] of keyed.entries()) element.rank = rank;
}

/** Returns the part of an upstream's servers that are not up. */
function unavailablePart(summary: SummaryFields): number {
  const total = serverCount(summary);
  return total === 0 ? 1 : 1 - (summary.states.up ?? 0) / total;
}

function badness(one: UpstreamRow, other: UpstreamRow): number {
  return (
    rankOf(one.severity) - rankOf(other.severity) ||
    (one.severity === "ok" ? 0 : unavailablePart(other.summary) - unavailablePart(one.summary))
  );
}

function upstreamValue({ summary, figures, percentiles }: UpstreamRow, column: UpstreamColumn): number {
  if (column === "servers") return serverCount(summary);
  if (column === "active") return summary.active;
  if (column === "state" || column === "name") return 0;
  return (column === "p50" || column === "p99" ? percentiles[column] : figures[column]) ?? -1;
}

/** Compares upstreams; equal ones follow their names. By state, the worst comes first. */
export function compareUpstreams({ column, isDescending }: Sort<UpstreamColumn>) {
  const sign = isDescending ? -1 : 1;
  return (one: UpstreamRow, other: UpstreamRow): number => {
    const byName = one.rank - other.rank;
    if (column === "name") return sign * byName;
    if (column === "state") return sign * badness(one, other) || byName;
    return sign * (upstreamValue(one, column) - upstreamValue(other, column)) || byName;
  };
}

function serverValue({ status, figures, percentiles }: ServerRow, column: ServerColumn): number {
  switch (column) {
    case "state":
      return STATES.indexOf(status.state);
    case "weight":
      return status.weight.effective;
    case "share":
      return status.picks_percent;
    case "active":
      return status.active;
    case "server":
      return 0;
    case "p50":
    case "p99":
      return percentiles[column] ?? -1;
    default:
      return figures[column] ?? -1;
  }
}

/** Compares servers; equal ones follow their addresses. By state, the worst comes first. */
export function compareServers({ column, isDescending }: Sort<ServerColumn>) {
  const sign = isDescending ? -1 : 1;
  return (one: ServerRow, other: ServerRow): number => {
    const byAddress = one.rank - other.rank;
    if (column === "server") return sign * byAddress;
    return sign * (serverValue(one, column) - serverValue(other, column)) || byAddress;
  };
}
