import { canonical_address } from "../../config/address";
import { check_fit } from "../../config/fit";
import { carried_over, type ServerConfig } from "../../config/server";
import type { Document } from "./document";
import { add_lines, copy, type Edited } from "./edit";
import {
  address_in,
  format_line,
  has_sourced,
  parameters_in,
  parse_line,
  server_text,
  type SourceMark,
} from "./line";

/** The servers that a source has brought: changed by it alone, and it changes no others. */

/** A server that cannot be in the upstream. */
export interface Misfit {
  server: string;
  reason: string;
}

/** A server that a source names, with the texts that it is compared by, made once. */
export interface WantedServer {
  config: ServerConfig;
  /** Its canonical address. */
  name: string;
  /** What its line would say of it. */
  text: string;
}

/** How much one write does. */
export interface Portion {
  /** The most servers that it adds or changes. */
  most: number;
  /** Set by the write: whether nothing is left to add or change. */
  is_last: boolean;
}

/** Makes a wanted server. */
export function wanted_server(config: ServerConfig): WantedServer {
  return { config, name: canonical_address(config.server), text: server_text(config) };
}

const OTHERS_ADDRESS = "this address already belongs to another server of the upstream";

/** The canonical form of the address in a line. */
function name_in(line: string): string {
  return canonical_address(address_in(line));
}

/** The addresses of the servers that a source has brought, as they are written. O(servers). */
export function sourced_addresses(document: Document, source: SourceMark): string[] {
  const addresses: string[] = [];
  for (const line of document.lines) {
    if (has_sourced(line, source)) addresses.push(address_in(line));
  }
  return addresses;
}

/** A server that stays, with its new parameters. */
function changed_line(line: string, server: ServerConfig): string | undefined {
  const before = parse_line(line);
  const { id, incarnation, row, backup } = before;
  if (backup !== server.backup) return undefined;
  return format_line({ ...carried_over(server, before), id, incarnation, row });
}

/** What becomes of the wanted servers. */
interface Plan {
  /** By canonical address: the line that stands there now. */
  own: LuaTable<string, string | undefined>;
  /** By the line of before: the one to be; those not named go. */
  lines: LuaTable<string, string | undefined>;
  added: ServerConfig[];
  /** The lines of before whose address is wanted. */
  named: LuaSet<string>;
}

/** Returns 1 if the server is to be added or changed, else 0. `has_room`: whether that may be done now. */
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
 * Those of some servers, each with its address once, that an upstream can have from a source. `misfits` gets the others:
 * somebody else's server has the address, or the method forbids it. O(servers).
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
 * Makes the servers that a source has brought those of `wanted`, each with its address once. O(servers), little one
 * that stays.
 *
 * @param wanted as `fitting_servers` gives them
 * @param keeps_others servers that are not wanted stay as they are
 * @param portion how much is done at once; while something is left, servers that are not wanted stay
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
  const document = copy(current);
  document.lines = [];
  for (const line of current.lines) {
    const keeps = keeps_others || !portion.is_last;
    const stays = !has_sourced(line, source) || (keeps && !plan.named.has(line));
    const next = stays ? line : plan.lines.get(line);
    if (next !== undefined) document.lines.push(next);
  }
  const full = add_lines(document, plan.added, revision);
  return $multi(full === undefined ? document : undefined, full);
}
