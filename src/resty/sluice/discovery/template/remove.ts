import { is_made } from "../../config/discovery";
import * as clock from "../../lib/clock";
import { new_pause } from "../../lib/pause";
import { keys_of } from "../../lib/tables";
import type { Document } from "../../store/document/document";
import { hosts_of } from "../../store/document/host";
import { has_sourced } from "../../store/document/line";
import { read } from "../../store/document/read";
import { DISCOVERY } from "../../store/history/author";
import { is_over } from "../../store/memory/generation";
import { stamp_of } from "../../store/memory/region";
import { write_all, type NamedEdit } from "../../store/write";
import { judge, type Verdict } from "../guard";
import type { Subscription } from "../source";
import { answer } from "../subscription";
import { new_write_pause } from "./create";
import { describe_template } from "./current";
import { confirm } from "./gone";
import type { Memory } from "./memory";

/** Deletes the upstreams of a template of which the registry has no entries any more, behind the guard. */

const UPSTREAMS_A_WRITE = 50;

const OTHERS_SERVERS =
  "the registry has no entry of this upstream any more, but it has servers that others have added";

function has_others_servers(document: Document): boolean {
  return hosts_of(document).length > 0 || document.lines.some((line) => !has_sourced(line, "discovery"));
}

/** Notes that the registry has no entries of an upstream. Its servers stay. */
export function note_gone(memory: Memory, subscription: Subscription): void {
  const { name, entries } = subscription;
  const document = read(name);
  if (document === undefined) return;
  // The servers are kept until the upstream is deleted as a whole.
  if (entries === undefined || entries.length > 0) answer(subscription, [], memory.revision);
  if (has_others_servers(document)) {
    memory.gone.delete(name);
    memory.refusals.set(name, { reason: OTHERS_SERVERS, is_final: false });
  } else if (!memory.gone.has(name)) {
    memory.refusals.delete(name);
    memory.gone.set(name, { equal: 0, came: 0 });
  }
}

function judge_gone(
  { feed, guard, template }: Memory,
  gone: string[],
  is_new: boolean,
  now: number,
): Verdict {
  const owned = keys_of(feed.subscriptions).length;
  table.sort(gone);
  const removed = gone.length;
  // New upstreams may not have been noticed yet, while old ones are gone.
  const step = { owned, removed, wanted: owned - removed, answer: gone.join(" "), is_new };
  return judge(guard, step, template, now);
}

function log_verdict(before: Verdict, verdict: Verdict, count: number): void {
  if (verdict === before || verdict === "removes") return;
  const what = `${describe_template()} has no entries of ${count} upstreams any more`;
  const why = verdict === "empty" ? "they were the last ones and are kept" : "they wait for confirmation";
  ngx.log(ngx.WARN, `sluice: ${what}: ${why}`);
}

function edit_of({ name, stamp }: Subscription): NamedEdit {
  return {
    name,
    edit: (current) => {
      const is_same = current !== undefined && stamp_of(current.row) === stamp;
      const goes = is_same && is_made(current.discovery) && !has_others_servers(current);
      return $multi(goes ? undefined : current, undefined);
    },
  };
}

/** Deletes upstreams in one write. Returns false if it has failed. */
function remove_some(memory: Memory, subscriptions: readonly Subscription[]): boolean {
  const edits = subscriptions.map((one) => edit_of(one));
  const manner = { reach: "all", author: DISCOVERY, is_dry_run: false, pause: new_write_pause() } as const;
  const { problems, changes } = write_all(() => $multi(edits, undefined), manner);
  if (problems.length > 0) {
    memory.error = `could not delete upstreams: ${problems[0].problem.text}`;
    return false;
  }
  const names: string[] = [];
  for (const { name, current, next } of changes) {
    memory.gone.delete(name);
    if (current !== undefined && next === undefined) names.push(name);
  }
  if (names.length > 0) {
    const what = `${describe_template()} has no entries of ${names.length} upstreams any more`;
    ngx.log(ngx.NOTICE, `sluice: ${what}, and they are deleted: ${names.join(", ")}`);
  }
  return true;
}

/**
 * Deletes the upstreams that are gone, as the guard permits. `is_new`: the registry has answered again.
 * Phases that can sleep.
 */
export function remove(memory: Memory, is_new: boolean): void {
  const { gone, feed, template } = memory;
  const now = clock.now();
  const names = keys_of(gone);
  const before = memory.verdict;
  memory.verdict = judge_gone(memory, names, is_new, now);
  log_verdict(before, memory.verdict, names.length);
  const confirmed: Subscription[] = [];
  for (const name of names) {
    const subscription = feed.subscriptions.get(name) as Subscription | undefined;
    const its = gone.get(name);
    if (subscription === undefined || its === undefined) gone.delete(name);
    else if (confirm(its, template, is_new, now)) confirmed.push(subscription);
  }
  if (memory.verdict !== "removes") return;
  const pause = new_pause();
  for (let first = 0; first < confirmed.length && !is_over(); first += UPSTREAMS_A_WRITE) {
    if (!remove_some(memory, confirmed.slice(first, first + UPSTREAMS_A_WRITE))) return;
    pause();
  }
}
