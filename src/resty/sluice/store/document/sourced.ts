import { canonical_address } from "../../config/address";
import { check_fit } from "../../config/fit";
import { carried_over, type ServerConfig } from "../../config/server";
import type { Document } from "./document";
import { add_lines, type Edited } from "./edit";
import {
  address_in,
  format_line,
  has_sourced,
  parameters_in,
  parse_line,
  server_text,
  type SourceMark,
} from "./line";

/** The servers of a source. Only the source changes them, and it changes no others. */

/** A server of a source that the upstream cannot have. */
export interface Misfit {
  server: string;
  reason: string;
}

/** A server that a source wants, with the texts for comparing it. */
export interface WantedServer {
  config: ServerConfig;
  /** Its canonical address. */
  name: string;
  /** The parameters as a line would hold them. */
  text: string;
}

/** The size of one write. */
export interface Portion {
  /** The maximum number of servers that it adds or changes. */
  most: number;
  /** Set by the write: whether nothing is left to add or change. */
  is_last: boolean;
}

/** Prepares a wanted server. */
export function wanted_server(config: ServerConfig): WantedServer {
  return { config, name: canonical_address(config.server), text: server_text(config) };
}

const OTHERS_ADDRESS = "this address already belongs to another server of the upstream";

function name_in(line: string): string {
  return canonical_address(address_in(line));
}

/** Returns the addresses of a source's servers, as they were written. O(servers). */
export function sourced_addresses(document: Document, source: SourceMark): string[] {
  return document.lines.filter((line) => has_sourced(line, source)).map((line) => address_in(line));
}

/**
 * Returns the line of a server that stays, with its new parameters; undefined: it must become another server.
 */
function changed_line(line: string, server: ServerConfig): string | undefined {
  const before = parse_line(line);
  const { id, incarnation, row, backup } = before;
  if (backup !== server.backup) return undefined;
  return format_line({ ...carried_over(server, before), id, incarnation, row });
}

interface Plan {
  /** By canonical address: the current line. */
  own: LuaTable<string, string | undefined>;
  /** By the current line: the new line. Servers without an entry are removed. */
  lines: LuaTable<string, string | undefined>;
  added: ServerConfig[];
  /** The current lines whose address is wanted. */
  named: LuaSet<string>;
}

/** Plans a wanted server, if the write `has_room`. Returns 1 if it must be added or changed, else 0. */
function place(plan: Plan, { config, name, text }: WantedServer, has_room: boolean): number {
  const before = plan.own.get(name);
  if (before === undefined) {
    if (has_room) plan.added.push(config);
    return 1;
  }
  plan.named.add(before);
  const is_same = parameters_in(before) === text;
  const line = is_same || !has_room ? before : changed_line(before, config);
  if (line === undefined) plan.added.push(config);
  else plan.lines.set(before, line);
  return is_same ? 0 : 1;
}

/**
 * Returns the servers that the upstream can have; `misfits` receives those whose address another server has,
 * or that the method forbids. O(servers).
 */
export function fitting_servers(
  current: Document,
  source: SourceMark,
  servers: readonly WantedServer[],
  misfits: Misfit[],
): WantedServer[] {
  const others = new LuaSet<string>();
  for (const line of current.lines) {
    if (!has_sourced(line, source)) others.add(name_in(line));
  }
  const fitting: WantedServer[] = [];
  for (const server of servers) {
    const { config, name } = server;
    const unfit = check_fit(current, config);
    if (others.has(name)) misfits.push({ server: config.server, reason: OTHERS_ADDRESS });
    else if (unfit !== undefined) misfits.push({ server: config.server, reason: unfit.text });
    else fitting.push(server);
  }
  return fitting;
}

/**
 * Makes a source's servers equal to those of `fitting_servers`, cheaply for servers that stay. Servers that
 * are not wanted stay with `keeps_others`, and while the portion leaves something for a later write.
 * O(servers).
 */
export function replace_sourced(
  current: Document,
  source: SourceMark,
  wanted: readonly WantedServer[],
  keeps_others: boolean,
  revision: number,
  portion: Portion,
): Edited {
  const plan: Plan = { own: new LuaTable(), lines: new LuaTable(), added: [], named: new LuaSet() };
  for (const line of current.lines) {
    if (has_sourced(line, source)) plan.own.set(name_in(line), line);
  }
  let count = 0;
  for (const server of wanted) count += place(plan, server, count < portion.most);
  portion.is_last = count <= portion.most;
  const document: Document = { ...current, lines: [] };
  for (const line of current.lines) {
    const keeps = keeps_others || !portion.is_last;
    const stays = !has_sourced(line, source) || (keeps && !plan.named.has(line));
    const next = stays ? line : plan.lines.get(line);
    if (next !== undefined) document.lines.push(next);
  }
  const full = add_lines(document, plan.added, revision);
  return $multi(full === undefined ? document : undefined, full);
}
