import * as clock from "../lib/clock";
import { new_job } from "../lib/job";
import { pause_if_long } from "../lib/pause";
import { keys_of } from "../lib/tables";
import { draining_servers, may_leave, remove_drained } from "./document/drain";
import { has_drain_job, type ServerRecord } from "./document/line";
import { read } from "./document/read";
import { DRAIN } from "./history/author";
import { type Cell, UpstreamRow } from "./memory/cells";
import { all_names } from "./memory/changes";
import { get_text, recall } from "./memory/dict";
import { row_at, shared_memory } from "./memory/region";
import { active_requests } from "./memory/rows";
import { write } from "./write";

/**
 * Removes the servers of drain jobs once they are idle or their deadline has passed. One worker does it. It
 * looks through all upstreams only after a drain job has started or changed; otherwise it watches the
 * upstreams that have one.
 */

interface Watched {
  /** The offset of its row. */
  row: Cell;
  revision: number;
  servers: ServerRecord[];
}

const REST_SECONDS = 60;

const watched = new LuaTable<string, Watched | undefined>();
let seen_note: string | number | undefined;

/** Reads the drain jobs of an upstream, and watches it while it has any. */
function watch(name: string): void {
  const document = read(name);
  const servers = document === undefined ? [] : draining_servers(document);
  if (document === undefined || servers.length === 0) watched.delete(name);
  else watched.set(name, { row: row_at(document.row), revision: document.revision, servers });
}

/** Looks for upstreams with drain jobs, if there may be more than are watched. */
function look_for_jobs(): void {
  const note = recall("drain");
  if (note === seen_note) return;
  for (const name of all_names()) {
    pause_if_long();
    if (ngx.worker.exiting()) return;
    const text = get_text(name);
    if (text !== undefined && has_drain_job(text)) watch(name);
  }
  seen_note = note;
}

function log_removal(name: string, { id, server, row }: ServerRecord): void {
  const active = active_requests(row);
  const reason = active === 0 ? "it is idle" : `its deadline has passed; requests under way: ${active}`;
  ngx.log(ngx.NOTICE, `sluice: upstream ${name}: drained server ${server} (id ${id}) is removed: ${reason}`);
}

function remove_from(name: string, servers: readonly ServerRecord[]): string | undefined {
  const now = clock.now();
  let may_some = false;
  for (const server of servers) may_some ||= may_leave(server, now);
  if (!may_some) return undefined;
  let removed: ServerRecord[] = [];
  const [, problem] = write(name, DRAIN, (current) => {
    // The upstream may have changed since it was read without the lock.
    if (current === undefined) return $multi(undefined, undefined);
    const [next, gone] = remove_drained(current, now);
    removed = gone;
    return $multi(next, undefined);
  });
  if (problem !== undefined) return problem.text;
  for (const server of removed) log_removal(name, server);
  return undefined;
}

function remove_all(this: void): string | undefined {
  look_for_jobs();
  const memory = shared_memory();
  for (const name of keys_of(watched)) {
    const before = watched.get(name) as Watched;
    if (memory[before.row + UpstreamRow.REVISION] !== before.revision) watch(name);
    const now = watched.get(name);
    const cause = now === undefined ? undefined : remove_from(name, now.servers);
    if (cause !== undefined) return `upstream ${name}: ${cause}`;
  }
  return undefined;
}

/** Removes every drained server that may go. Phase: timer, about once a second. */
export const remove_idle_servers = new_job({
  verb: "remove drained servers",
  rest: REST_SECONDS,
  run: remove_all,
});
