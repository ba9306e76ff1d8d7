import type { Difference, FieldChange, ServerParameters } from "../model/answers";
import { clean, count, shown } from "./text";
import { coloured } from "./terminal";

/** Shows what a change does, or would do. */

/** Shows a changed member. */
export function fieldText({ field, from, to }: FieldChange): string {
  return `${clean(field)} ${shown(from)} → ${shown(to)}`;
}

/** Shows a new server, with those parameters that are not the defaults. */
function serverText({ id: _, server, ...parameters }: ServerParameters): string {
  const texts = Object.entries(parameters).map(([name, value]) => `${clean(name)} ${shown(value)}`);
  return [clean(server), texts.join(", ")].filter((text) => text !== "").join("  ");
}

const HEADS = { created: "green", changed: "yellow", deleted: "red", unchanged: undefined } as const;

function differenceLines(name: string, { change, settings = [], servers = {} }: Difference): string[] {
  const { added = [], removed = [], changed = [], kept = 0 } = servers;
  const colour = HEADS[change];
  const head = `${clean(name)}: ${change}`;
  const lines = [colour === undefined ? head : coloured(colour, head)];
  for (const { field, from, to } of settings) {
    // A created upstream has no values before.
    if (change === "created") lines.push(`    ${clean(field)} ${shown(to)}`);
    else if (change === "changed") lines.push(`    ${fieldText({ field, from, to })}`);
  }
  for (const { server } of removed) lines.push(coloured("red", `  - ${clean(server)}`));
  for (const server of added) lines.push(coloured("green", `  + ${serverText(server)}`));
  for (const { server, fields } of changed) {
    lines.push(coloured("yellow", `  ~ ${clean(server)}  ${fields.map(fieldText).join(", ")}`));
  }
  if (kept > 0 && change === "changed") lines.push(`    ${count(kept, "server")} unchanged`);
  return lines;
}

/** Returns lines for each upstream that differs, in the order of their names. */
export function differencesText(upstreams: Record<string, Difference>): string {
  const differing = Object.entries(upstreams).filter(([, { change }]) => change !== "unchanged");
  differing.sort(([one], [other]) => (one < other ? -1 : 1));
  return differing.map(([name, difference]) => `${differenceLines(name, difference).join("\n")}\n`).join("");
}

/**
 * Returns a summary such as "1 upstream created, 2 changed, 1 deleted"; "": nothing differs. `verb`: such as
 * "would be", of a change that is not made.
 */
export function summaryOf(upstreams: Record<string, Difference>, verb?: string): string {
  const counts = { created: 0, changed: 0, deleted: 0, unchanged: 0 };
  for (const { change } of Object.values(upstreams)) counts[change] += 1;
  const parts = (["created", "changed", "deleted"] as const).filter((change) => counts[change] > 0);
  const subjects = parts.map((change, index) =>
    index === 0
      ? [count(counts[change], "upstream"), verb].filter((text) => text !== undefined).join(" ")
      : String(counts[change]),
  );
  return parts.map((change, index) => `${subjects[index]} ${change}`).join(", ");
}

/** Returns what a change takes away, such as "1 upstream and 3 servers"; undefined: nothing. */
export function removalsOf(upstreams: Record<string, Difference>): string | undefined {
  const all = Object.values(upstreams);
  const deleted = all.filter(({ change }) => change === "deleted").length;
  const servers = all.reduce((sum, { servers: of }) => sum + (of?.removed?.length ?? 0), 0);
  const parts = [
    ...(deleted > 0 ? [count(deleted, "upstream")] : []),
    ...(servers > 0 ? [count(servers, "server")] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(" and ");
}
