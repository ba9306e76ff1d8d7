import { is_made } from "../../config/discovery";
import { source_in } from "../../config/upstream_template";
import * as clock from "../../lib/clock";
import { new_pause } from "../../lib/pause";
import { keys_of } from "../../lib/tables";
import { first_of } from "../../lib/text";
import type { Document } from "../../store/document/document";
import { hosts_of } from "../../store/document/host";
import { has_sourced } from "../../store/document/line";
import { read } from "../../store/document/read";
import { DISCOVERY } from "../../store/history/author";
import { is_over } from "../../store/memory/generation";
import { stamp_of } from "../../store/memory/region";
import { write_all, type NamedEdit, type Outcome } from "../../store/write";
import { judge, type Verdict } from "../guard";
import type { Subscription } from "../source";
import { answer } from "../subscription";
import { new_write_pause } from "./create";
import { describe_template, is_shared_template } from "./current";
import { confirm, type Gone } from "./gone";
import type { Memory } from "./memory";
import { end_trouble, is_resting, note_trouble } from "./trouble";

/** Deletes the upstreams of a template of which the registry has no entries any more, behind the guard. */

const UPSTREAMS_A_WRITE = 50;
/** Delay after which an upstream is tried again that could not be deleted, in seconds. */
const RETRY_SECONDS = 5;

const OTHERS_SERVERS =
  "the registry has no entry of this upstream any more, but it has servers that others have added";

const OTHERS_UPSTREAM =
  "the registry has had no entry of this upstream since this worker started, and another gateway of the " +
  "cluster may have made it";

const OTHER_REGISTRY =
  "another registry has made this upstream, and the one in setup has no entry of it: delete it by hand if it " +
  "is not needed";

function has_others_servers(document: Document): boolean {
  return hosts_of(document).length > 0 || document.lines.some((line) => !has_sourced(line, "discovery"));
}

/** Returns why an upstream without entries is kept, however often the answer comes; undefined: it is not. */
function why_kept({ seen, template }: Memory, name: string, document: Document): string | undefined {
  if (has_others_servers(document)) return OTHERS_SERVERS;
  if (document.discovery?.template?.source !== source_in(template)) return OTHER_REGISTRY;
  return is_shared_template() && !seen.has(name) ? OTHERS_UPSTREAM : undefined;
}

/** Notes that the registry has no entries of an upstream. Its servers stay. */
export function note_gone(memory: Memory, subscription: Subscription): void {
  const { name, entries } = subscription;
  const document = read(name);
  if (document === undefined) return;
  // The servers are kept until the upstream is deleted as a whole.
  if (entries === undefined || entries.length > 0) answer(subscription, [], memory.revision);
  const kept = why_kept(memory, name, document);
  const refusal = kept ?? memory.gone.get(name)?.refusal;
  if (kept !== undefined) memory.gone.delete(name);
  else if (!memory.gone.has(name)) memory.gone.set(name, { equal: 0, came: 0 });
  if (refusal === undefined) memory.refusals.delete(name);
  else memory.refusals.set(name, { reason: refusal, is_final: false });
}

function judge_gone(
  { feed, groups, guard, template }: Memory,
  gone: string[],
  is_new: boolean,
  now: number,
): Verdict {
  table.sort(gone);
  const removed = gone.length;
  // Upstreams that are kept for other reasons are none that the registry wants.
  let wanted = 0;
  for (const [name] of pairs(feed.subscriptions)) if (groups.has(name)) wanted += 1;
  const step = { owned: wanted + removed, removed, wanted, answer: gone.join(" "), is_new };
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

/** Notes that the store has refused to delete an upstream. */
function note_refusal({ gone, refusals }: Memory, name: string, reason: string): void {
  refusals.set(name, { reason, is_final: false });
  const its = gone.get(name);
  if (its === undefined) return;
  its.refusal = reason;
  its.retry = clock.now() + RETRY_SECONDS;
}

function note_removed({ gone, seen, refusals }: Memory, changes: Outcome["changes"]): void {
  const names: string[] = [];
  for (const { name, current, next } of changes) {
    gone.delete(name);
    refusals.delete(name);
    if (next === undefined) seen.delete(name);
    if (current !== undefined && next === undefined) names.push(name);
  }
  if (names.length > 0) {
    const what = `${describe_template()} has no entries of ${names.length} upstreams any more`;
    ngx.log(ngx.NOTICE, `sluice: ${what}, and they are deleted: ${first_of(names)}`);
  }
}

/** Deletes upstreams in one write, but for those that cannot be deleted. Returns false if it has failed. */
function remove_some(memory: Memory, subscriptions: readonly Subscription[]): boolean {
  let rest = subscriptions;
  while (rest.length > 0 && !is_over()) {
    const edits = rest.map((one) => edit_of(one));
    const manner = { reach: "all", author: DISCOVERY, is_dry_run: false, pause: new_write_pause() } as const;
    const { problems, changes } = write_all(() => $multi(edits, undefined), manner);
    const bad = new LuaSet<string>();
    for (const { name, problem } of problems) {
      if (name === undefined) {
        note_trouble(memory.deleting, `could not delete upstreams: ${problem.text}`, clock.now());
        return false;
      }
      bad.add(name);
      note_refusal(memory, name, problem.text);
    }
    if (problems.length === 0) {
      note_removed(memory, changes);
      return true;
    }
    rest = rest.filter(({ name }) => !bad.has(name));
  }
  return true;
}

/** Returns the upstreams that are to be deleted, without those whose deletion was refused a moment ago. */
function names_to_remove({ gone, feed, seen }: Memory, now: number): string[] {
  return keys_of(gone).filter((name) => {
    const its = gone.get(name);
    if (!feed.subscriptions.has(name) || its === undefined) {
      gone.delete(name);
      seen.delete(name);
      return false;
    }
    return its.refusal === undefined || now >= (its.retry ?? 0);
  });
}

/**
 * Deletes the upstreams that are gone, as the guard permits. `is_new`: the registry has answered again.
 * Phases that can sleep.
 */
export function remove(memory: Memory, is_new: boolean): void {
  const { gone, feed, template } = memory;
  const now = clock.now();
  const names = names_to_remove(memory, now);
  const before = memory.verdict;
  memory.verdict = judge_gone(memory, names, is_new, now);
  log_verdict(before, memory.verdict, names.length);
  const confirmed: Subscription[] = [];
  for (const name of names) {
    const its = gone.get(name) as Gone;
    if (confirm(its, template, is_new, now)) confirmed.push(feed.subscriptions.get(name));
  }
  if (memory.verdict !== "removes" || is_resting(memory.deleting, clock.now())) return;
  const pause = new_pause();
  for (let first = 0; first < confirmed.length && !is_over(); first += UPSTREAMS_A_WRITE) {
    if (!remove_some(memory, confirmed.slice(first, first + UPSTREAMS_A_WRITE))) return;
    pause();
  }
  end_trouble(memory.deleting);
}
