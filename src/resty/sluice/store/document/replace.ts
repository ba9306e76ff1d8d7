import { canonical_address } from "../../config/address";
import { source_of } from "../../config/discovery";
import { check_fit } from "../../config/fit";
import type { Read } from "../../config/reader";
import { carried_over, check_by_hand, type ServerConfig } from "../../config/server";
import { settings_of } from "../../config/settings";
import { rest } from "../../lib/rest";
import type { UpstreamConfig } from "../../config/upstream";
import { allocate_row, free_row } from "../memory/rows";
import { is_local_id } from "./clustered";
import { bookkeeping_of, type Document } from "./document";
import { add_lines, check_address, type Edited } from "./edit";
import { lines_with_hosts, replaced_hosts, set_hosts } from "./hosts";
import { format_line, parse_line, server_text, type ServerRecord } from "./line";
import { OUT_OF_MEMORY } from "./problems";
import { parse_lines } from "./records";
import { new_secret } from "./secret";

/** Replaces a whole upstream, except what its sources have brought. */

/** Returns the secret of an upstream, or a new one if it needs one for a sticky cookie and has none yet. */
function secret_of(current: Document | undefined, config: UpstreamConfig): Read<string> {
  if (current?.session_secret !== undefined) return $multi(current.session_secret, undefined);
  if (config.sticky?.cookie === undefined) return $multi(undefined, undefined);
  const [secret, cause] = new_secret();
  if (secret === undefined)
    return $multi(undefined, { status: 500, code: "StateNotSaved", text: cause ?? "" });
  return $multi(secret, undefined);
}

let last_config: UpstreamConfig | undefined;
let last_names = new LuaSet<string>();

/** Returns the host names that a configuration resolves. It is asked for once for each server. */
function names_in(config: UpstreamConfig): LuaSet<string> {
  if (config === last_config) return last_names;
  last_config = config;
  last_names = new LuaSet<string>();
  for (const { resolve, server } of config.servers) {
    if (resolve === true) last_names.add(server);
  }
  return last_names;
}

/**
 * Returns whether the source of a server still brings servers once the upstream has the settings of `config`.
 */
export function has_source(
  { source, host }: Pick<ServerConfig, "source" | "host">,
  config: UpstreamConfig,
): boolean {
  if (source === "resolve") return names_in(config).has(host ?? "");
  return source === "register" || (source === "discovery" && source_of(config.discovery) !== undefined);
}

/** Returns whether the given parameters equal those of an existing server at the same address. */
function is_as_given(record: ServerRecord, given: ServerConfig): boolean {
  const { server, source, node, parent, host, leave_by, in_service } = record;
  const same = { ...given, server, source, node, parent, host, leave_by, in_service };
  return server_text(same) === server_text(record);
}

/** The servers of the new document: those that stay, new ones, and new ones whose source is a registry. */
interface Parts {
  kept: ServerRecord[];
  added: ServerConfig[];
  found: ServerConfig[];
  /** Servers with host names. */
  named: ServerConfig[];
}

/** Makes a server one that a client has added by its address. Returns it. */
function make_own(server: ServerConfig): ServerConfig {
  server.source = "";
  server.node = undefined;
  server.parent = undefined;
  server.host = undefined;
  return server;
}

/** Sorts servers by their ids. Most lists are in that order, which is that of the document. */
function sort_by_id(records: ServerRecord[]): void {
  let last = -1;
  for (const { id } of records) {
    if (id < last) {
      table.sort(records, (one, other) => one.id < other.id);
      return;
    }
    last = id;
  }
}

/** Decides which servers stay and which are new. Servers of a source stay as they are. */
function divide(current: Document | undefined, config: UpstreamConfig): Read<Parts> {
  const known = new LuaTable<string, ServerRecord>();
  const by_name = new LuaTable<string, ServerRecord>();
  const records = parse_lines(current?.lines ?? []);
  for (const record of records) {
    known.set(record.server, record);
    by_name.set(canonical_address(record.server), record);
    rest();
  }
  const parts: Parts = { kept: [], added: [], found: [], named: [] };
  for (const server of config.servers) {
    rest();
    // A state of version 0.1.0 may have servers whose addresses differ only in spelling.
    const before = (known.get(server.server) ?? by_name.get(canonical_address(server.server))) as
      ServerRecord | undefined;
    const unknown = check_address(server);
    if (server.resolve === true) {
      parts.named.push(server);
    } else if (unknown !== undefined) {
      return $multi(undefined, unknown);
    } else if (before !== undefined && has_source(before, config)) {
      if (!is_as_given(before, server)) return $multi(undefined, check_by_hand(before));
    } else if (before !== undefined && before.backup === server.backup && !is_local_id(before.id)) {
      // `carried_over` returns a new object.
      const kept = make_own(carried_over(server, before)) as ServerRecord;
      kept.id = before.id;
      kept.incarnation = before.incarnation;
      kept.row = before.row;
      parts.kept.push(kept);
    } else if (server.source === "discovery" && has_source(server, config)) {
      parts.found.push(server);
    } else {
      const has_registered = server.source === "register" && server.node !== undefined;
      parts.added.push(has_registered ? server : make_own({ ...server }));
    }
  }
  for (const record of records) {
    rest();
    if (known.get(record.server) === record && has_source(record, config)) {
      const unfit = check_fit(config, record);
      if (unfit !== undefined) return $multi(undefined, unfit);
      parts.kept.push(record);
    }
  }
  sort_by_id(parts.kept);
  return $multi(parts, undefined);
}

function lines_of(records: readonly ServerRecord[]): string[] {
  const lines: string[] = [];
  for (const record of records) {
    lines.push(format_line(record));
    rest();
  }
  return lines;
}

/**
 * Creates an upstream, or replaces it. A server whose address stays keeps its id and its state, unless it
 * changes between primary and backup. Servers of a registry stay as long as the upstream has one, and then
 * become ordinary servers. Registered servers stay. A new server whose `source` still brings servers is left
 * to that source: it stays until the source decides.
 */
export function replace_upstream(
  current: Document | undefined,
  config: UpstreamConfig,
  revision: number,
): Edited {
  const [parts, problem] = divide(current, config);
  if (parts === undefined) return $multi(undefined, problem);
  const [session_secret, no_secret] = secret_of(current, config);
  if (no_secret !== undefined) return $multi(undefined, no_secret);
  const row = current?.row ?? allocate_row(revision);
  if (row === undefined) return $multi(undefined, OUT_OF_MEMORY);
  const document: Document = {
    ...settings_of(config),
    ...bookkeeping_of(current ?? { next_id: 0 }),
    revision,
    row,
    session_secret,
    leavers: [],
    lines: [],
  };
  const hosts = replaced_hosts(current, parts.named, document.next_id);
  for (const { id } of hosts) document.next_id = math.max(document.next_id, id + 1);
  set_hosts(document, hosts);
  document.lines = lines_with_hosts(lines_of(parts.kept), hosts);
  const kept = document.lines.length;
  // Added separately, because in a cluster each gateway numbers the servers that it finds.
  const full = add_lines(document, parts.added, revision) ?? add_lines(document, parts.found, revision);
  if (full === undefined) return $multi(document, undefined);
  for (const index of $range(kept, document.lines.length - 1))
    free_row(parse_line(document.lines[index]).row);
  if (current === undefined) free_row(row);
  return $multi(undefined, full);
}
