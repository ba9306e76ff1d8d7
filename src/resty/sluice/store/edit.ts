import type { Problem } from "../config/problem";
import { read_server, type ServerConfig } from "../config/server";
import { settings_of } from "../config/settings";
import { check_fit } from "../config/fit";
import type { UpstreamConfig } from "../config/upstream";
import {
  find_by_address,
  find_by_id,
  format_line,
  parse_line,
  type Document,
  type ServerRecord,
} from "./document";
import { server_not_found } from "./read";
import { allocate_row, free_row } from "./rows";
import { new_secret } from "./secret";
import { OUT_OF_MEMORY } from "./write";

/** Changes of a document that the API is made of. Each returns the new document, or undefined and the problem. */
export type Edited = LuaMultiReturn<[Document | undefined, Problem | undefined]>;

function exists(address: string): Problem {
  return { status: 409, code: "EntryExists", text: `entry exists: the upstream has a server "${address}"` };
}

/** A copy whose lines can be changed. */
export function copy(document: Document): Document {
  const lines: string[] = [];
  for (const line of document.lines) lines.push(line);
  return { ...document, lines };
}

/** The line of a server that is added now. */
function new_line(document: Document, server: ServerConfig, revision: number): string | undefined {
  const row = allocate_row(revision, document.next_id);
  if (row === undefined) return undefined;
  const record: ServerRecord = { ...server, id: document.next_id, incarnation: revision, row };
  document.next_id += 1;
  return format_line(record);
}

/** Adds a server at the end. */
export function add_server(current: Document, input: unknown, revision: number): Edited {
  const [server, problem] = read_server(input);
  if (server === undefined) return $multi(undefined, problem);
  const unfit = check_fit(current, server);
  if (unfit !== undefined) return $multi(undefined, unfit);
  if (find_by_address(current, server.server) !== undefined) return $multi(undefined, exists(server.server));
  const document = copy(current);
  const line = new_line(document, server, revision);
  if (line === undefined) return $multi(undefined, OUT_OF_MEMORY);
  document.lines.push(line);
  return $multi(document, undefined);
}

/** Changes the parameters of a server. One that gets another address is another server, with the same id. */
export function patch_server(current: Document, id: number, input: unknown, revision: number): Edited {
  const index = find_by_id(current, id);
  if (index === undefined) return $multi(undefined, server_not_found(`ID "${id}"`));
  const record = parse_line(current.lines[index]);
  const [server, problem] = read_server(input, record);
  if (server === undefined) return $multi(undefined, problem);
  const unfit = check_fit(current, server);
  if (unfit !== undefined) return $multi(undefined, unfit);

  const document = copy(current);
  let { incarnation, row } = record;
  if (server.server !== record.server) {
    if (find_by_address(current, server.server) !== undefined)
      return $multi(undefined, exists(server.server));
    const new_row = allocate_row(revision, id);
    if (new_row === undefined) return $multi(undefined, OUT_OF_MEMORY);
    incarnation = revision;
    row = new_row;
    // It was the other one that was to leave.
    server.leave_by = "";
  }
  document.lines[index] = format_line({ ...server, id, incarnation, row });
  return $multi(document, undefined);
}

/** Takes a server out. */
export function remove_server(current: Document, id: number): Edited {
  const index = find_by_id(current, id);
  if (index === undefined) return $multi(undefined, server_not_found(`ID "${id}"`));
  const document = copy(current);
  table.remove(document.lines, index + 1);
  return $multi(document, undefined);
}

/** The secret that an upstream has, or a new one if it is to have a sticky cookie and has none yet. */
function secret_of(
  current: Document | undefined,
  config: UpstreamConfig,
): LuaMultiReturn<[string | undefined, Problem | undefined]> {
  if (current?.session_secret !== undefined) return $multi(current.session_secret, undefined);
  if (config.sticky?.cookie === undefined) return $multi(undefined, undefined);
  const [secret, cause] = new_secret();
  if (secret === undefined)
    return $multi(undefined, { status: 500, code: "StateNotSaved", text: cause ?? "" });
  return $multi(secret, undefined);
}

/**
 * Makes an upstream what `config` says, or creates it. A server whose address stays keeps its id and, unless it
 * goes from primary to backup or back, its state.
 */
export function replace_upstream(
  current: Document | undefined,
  config: UpstreamConfig,
  revision: number,
): Edited {
  const [session_secret, no_secret] = secret_of(current, config);
  if (no_secret !== undefined) return $multi(undefined, no_secret);
  let row = current?.row;
  row ??= allocate_row(revision);
  if (row === undefined) return $multi(undefined, OUT_OF_MEMORY);
  const document: Document = {
    ...settings_of(config),
    revision,
    next_id: current?.next_id ?? 0,
    row,
    session_secret,
    leavers: [],
    lines: [],
  };
  const known = new LuaTable<string, ServerRecord>();
  for (const line of current?.lines ?? []) {
    const record = parse_line(line);
    known.set(record.server, record);
  }
  const kept: ServerRecord[] = [];
  const added: string[] = [];
  const allocated: number[] = [];
  for (const server of config.servers) {
    const before = known.get(server.server) as ServerRecord | undefined;
    if (before !== undefined && before.backup === server.backup) {
      const { id, incarnation, row } = before;
      // A drain job goes on while the server drains, though whoever sets a whole upstream knows nothing of it.
      const leave_by = server.drain ? before.leave_by : "";
      kept.push({ ...server, id, incarnation, row, leave_by });
    } else {
      const line = new_line(document, server, revision);
      if (line === undefined) {
        for (const taken of allocated) free_row(taken);
        if (current === undefined) free_row(row);
        return $multi(undefined, OUT_OF_MEMORY);
      }
      allocated.push(parse_line(line).row);
      added.push(line);
    }
  }
  table.sort(kept, (a, b) => a.id < b.id);
  for (const record of kept) document.lines.push(format_line(record));
  for (const line of added) document.lines.push(line);
  return $multi(document, undefined);
}
