import { GUARD_DEFAULTS } from "../config/discovery";
import { new_follower, next_changes } from "../store/changes";
import { get_text } from "../store/dict";
import { parse_document, type Document } from "../store/document";
import { expires, extend, registered_nodes, without_nodes, type NodeRecord } from "../store/nodes";
import { has_sourced } from "../store/sourced";
import { write } from "../store/write";
import { judge, new_guard, type Guard, type Verdict } from "./guard";

/** Takes out the servers that have registered themselves and do not renew it. One worker does it. */

/** An upstream with such servers, as it was when it was last read. */
interface Watched {
  nodes: NodeRecord[];
  guard: Guard;
  /** What became of those that are over, the last time. */
  verdict: Verdict;
}

const SECONDS_AFTER_FAILURE = 10;

const watched = new LuaTable<string, Watched>();
const follower = new_follower();
let is_running = false;
let not_before = 0;

function watch(name: string): void {
  const text = get_text(name);
  if (text === undefined || !has_sourced(text, "register")) {
    watched.delete(name);
    return;
  }
  const before = watched.get(name) as Watched | undefined;
  watched.set(name, {
    nodes: registered_nodes(parse_document(text)),
    guard: before?.guard ?? new_guard(),
    verdict: before?.verdict ?? "removes",
  });
}

function follow_changes(): void {
  const [names, are_all] = next_changes(follower);
  if (names === undefined) return;
  if (are_all) {
    const known: string[] = [];
    for (const [name] of pairs(watched)) known.push(name);
    for (const name of known) watch(name);
  }
  for (const name of names) watch(name);
}

/** Those whose time is over. Who was there when nginx started has all of it from now. */
function expired(nodes: readonly NodeRecord[], now: number): NodeRecord[] {
  const over: NodeRecord[] = [];
  for (const node of nodes) {
    const end = expires(node);
    if (end === 0) extend(node, now);
    else if (end <= now) over.push(node);
  }
  return over;
}

/** Equal for equal sets of servers. */
function fingerprint(nodes: readonly NodeRecord[]): string {
  const ids: number[] = [];
  for (const { id } of nodes) ids.push(id);
  return table.concat(ids, " ");
}

function log_verdict(name: string, before: Verdict, { verdict }: Watched, over: readonly NodeRecord[]): void {
  if (verdict === "removes") {
    for (const { node, server } of over) {
      const what = `node "${node.name}" has not renewed its registration: ${server} is removed`;
      ngx.log(ngx.NOTICE, `sluice: upstream ${name}: ${what}`);
    }
  } else if (verdict !== before) {
    const what = `${over.length} servers have not renewed their registration`;
    const why = verdict === "empty" ? "the last ones stay" : "so many at once wait for confirmation";
    ngx.log(ngx.WARN, `sluice: upstream ${name}: ${what}: ${why}`);
  }
}

/** Under the lock, so that nobody renews meanwhile. Returns those that are over, and the document to be. */
function take_out(current: Document, entry: Watched, now: number): LuaMultiReturn<[Document, NodeRecord[]]> {
  const nodes = registered_nodes(current);
  const over = expired(nodes, now);
  const step = {
    owned: nodes.length,
    removed: over.length,
    wanted: nodes.length - over.length,
    answer: fingerprint(over),
    is_new: true,
  };
  entry.verdict = judge(entry.guard, step, current.discovery ?? GUARD_DEFAULTS, now);
  return $multi(entry.verdict === "removes" ? without_nodes(current, over) : current, over);
}

/** Returns the cause when it fails. */
function expire(name: string, entry: Watched): string | undefined {
  const now = ngx.now();
  if (expired(entry.nodes, now).length === 0) return undefined;
  const before = entry.verdict;
  let over: NodeRecord[] = [];
  const [, problem] = write(name, (current) => {
    if (current === undefined) return $multi(undefined, undefined);
    const [next, gone] = take_out(current, entry, now);
    over = gone;
    return $multi(next, undefined);
  });
  if (problem !== undefined) return problem.text;
  if (over.length > 0) log_verdict(name, before, entry, over);
  return undefined;
}

function expire_all(this: void): string | undefined {
  follow_changes();
  const names: string[] = [];
  for (const [name] of pairs(watched)) names.push(name);
  for (const name of names) {
    const entry = watched.get(name) as Watched | undefined;
    const cause = entry === undefined ? undefined : expire(name, entry);
    if (cause !== undefined) return `could not remove servers of upstream ${name}: ${cause}`;
  }
  return undefined;
}

/** Takes out whose registration is over, by the guard's leave. Phase: timer, a few times a second. */
export function remove_expired(): void {
  if (is_running || ngx.now() < not_before) return;
  is_running = true;
  const [returned, failure] = pcall(expire_all);
  is_running = false;
  if (returned && failure === undefined) return;
  not_before = ngx.now() + SECONDS_AFTER_FAILURE;
  ngx.log(ngx.WARN, `sluice: ${tostring(failure)}`);
}
