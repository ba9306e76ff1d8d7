import { place_of } from "../../config/address";
import { is_made } from "../../config/discovery";
import type { Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import { parse_head, type Document } from "../../store/document/document";
import { hosts_of } from "../../store/document/host";
import { may_have_sourced, parse_line } from "../../store/document/line";
import { get_text } from "../../store/memory/dict";
import { free_new_rows } from "../../store/commit";
import type { Edit } from "../../store/edit";
import type { NamedEdit } from "../../store/write";
import type { Client } from "../client/client";
import { visible_names } from "../client/visible";
import { NO_CONDITIONS } from "../precondition";
import { argument } from "../request";
import { unless_emptying } from "../sluice/emptying";
import { delete_edit, patch_edit, put_edit } from "../sluice/upstream_edits";
import type { Wanted } from "./given";
import type { ChangeOptions } from "./request";

/** Makes the edits of a change of several upstreams, with the guards that protect servers and owners. */

function conflict(code: string, text: string): Problem {
  return { status: 409, code, text };
}

/** Returns the problem of an upstream that another owner manages. */
function check_owner(
  name: string,
  current: Document | undefined,
  owner: string | undefined,
): Problem | undefined {
  const before = current?.owner;
  if (owner === undefined || before === undefined || before === owner || argument("force") === "true")
    return undefined;
  return conflict(
    "OwnerConflict",
    `upstream "${name}" belongs to "${before}": add ?force=true to make it belong to "${owner}"`,
  );
}

/** Returns the addresses of the servers that clients of the API have added. */
function own_servers(document: Document): string[] {
  const own = hosts_of(document).map((host) => place_of(host));
  for (const line of document.lines) {
    const record = parse_line(line);
    if (record.source === "") own.push(record.server);
  }
  return own;
}

/** Returns the problem of a change that removes more servers of an upstream than it may. */
function check_removal(
  name: string,
  current: Document | undefined,
  next: Document | undefined,
  percent: number,
): Problem | undefined {
  // An upstream that is deleted keeps no server in any case.
  if (current === undefined || next === undefined) return undefined;
  const before = own_servers(current);
  const after = new LuaSet<string>();
  for (const server of own_servers(next)) after.add(server);
  let removed = 0;
  for (const server of before) {
    if (!after.has(server)) removed += 1;
  }
  if (removed * 100 <= before.length * percent) return undefined;
  return conflict(
    "TooManyRemoved",
    `the change would remove ${removed} of the ${before.length} servers of upstream "${name}", ` +
      `more than max_removal_percent, ${percent}, allows`,
  );
}

/** The options on which the guards depend. */
interface Limits {
  owner?: string | undefined;
  max_removal_percent?: number | undefined;
}

function within_limits(name: string, edit: Edit, { owner, max_removal_percent }: Limits): Edit {
  return (current, revision) => {
    const foreign = check_owner(name, current, owner);
    if (foreign !== undefined) return $multi(undefined, foreign);
    const [next, problem] = edit(current, revision);
    if (problem !== undefined) return $multi(undefined, problem);
    if (next !== undefined && owner !== undefined) next.owner = owner;
    const many =
      max_removal_percent === undefined ? undefined : check_removal(name, current, next, max_removal_percent);
    if (many === undefined) return $multi(next, undefined);
    free_new_rows([{ current, next }]);
    return $multi(undefined, many);
  };
}

/** Returns an edit with the guards of a change. */
export function guarded_edit(name: string, edit: Edit, limits: Limits): NamedEdit {
  return { name, edit: unless_emptying(name, within_limits(name, edit, limits)) };
}

function edit_of(name: string, wanted: Wanted): Edit {
  if (wanted.kind === "delete") return delete_edit(name, wanted.conditions);
  if (wanted.kind === "patch") return patch_edit(name, wanted.input, undefined, wanted.conditions);
  const { config, input, conditions } = wanted;
  return (current, revision) => {
    // An upstream that is replaced keeps its owner unless the change names one.
    const owner = config.owner ?? current?.owner;
    const owned = owner === undefined ? config : { ...config, owner };
    return put_edit(owned, input, conditions)(current, revision);
  };
}

/** Returns the edit of an upstream that a change names. */
export function named_edit(name: string, wanted: Wanted, options: ChangeOptions): NamedEdit {
  return guarded_edit(name, edit_of(name, wanted), options);
}

/**
 * Returns whether an upstream has servers that a registry has brought or that have registered themselves, or
 * comes from a template.
 */
function has_sources({ discovery }: Document, text: string): boolean {
  if (is_made(discovery)) return true;
  return may_have_sourced(text, "register") || may_have_sourced(text, "discovery");
}

function too_many_pruned(pruned: number, all: number, percent: number): Problem {
  const text = `the change would delete ${pruned} of the owner's ${all} upstreams, more than max_removal_percent, ${percent}, allows`;
  return conflict("TooManyRemoved", text);
}

/**
 * Returns the edits that delete the upstreams of the same owner that the client sees and the change does not
 * name. Upstreams with servers of a registry, with servers that have registered themselves, or from a
 * template stay. The caller holds the write lock.
 */
export function prune_edits(
  named: LuaSet<string>,
  options: ChangeOptions,
  client: Client,
  pause: (this: void) => void,
): Read<NamedEdit[]> {
  const { owner, max_removal_percent } = options;
  const edits: NamedEdit[] = [];
  let owned = 0;
  for (const name of visible_names(client)) {
    pause();
    const text = get_text(name);
    const head = text === undefined ? undefined : parse_head(text)[0];
    if (text !== undefined && head !== undefined && head.owner === owner) {
      owned += 1;
      if (!named.has(name) && !has_sources(head, text))
        edits.push(guarded_edit(name, delete_edit(name, NO_CONDITIONS), options));
    }
  }
  const most = max_removal_percent ?? 100;
  if (edits.length * 100 <= owned * most) return $multi(edits, undefined);
  return $multi(undefined, too_many_pruned(edits.length, owned, most));
}
