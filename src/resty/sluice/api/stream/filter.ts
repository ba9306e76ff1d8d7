import { refuse, type Read } from "../../config/reader";
import { check_name } from "../../config/name";
import { set_of } from "../../lib/tables";
import { terminated_parts } from "../../lib/text";
import { covers, covers_all, type Client } from "../client/client";
import { argument } from "../request";
import { KINDS, type Item } from "./feed";

/** Which messages of the stream a client wants. */

export interface Filter {
  /** Undefined: all. */
  upstreams: LuaSet<string> | undefined;
  kinds: LuaSet<string> | undefined;
  /** Whose stream it is, if it does not see all upstreams. */
  client?: Client | undefined;
}

/** Returns the names in a query argument, which commas separate; undefined: the argument is absent. */
function names_in(argument_name: string): string[] | undefined {
  const value = argument(argument_name);
  if (value === undefined) return undefined;
  const names: string[] = [];
  for (const name of terminated_parts(`${value},`, ",")) names.push(name);
  return names;
}

function read_upstreams(): Read<LuaSet<string>> {
  const names = names_in("upstream");
  if (names === undefined) return $multi(undefined, undefined);
  for (const name of names) {
    if (check_name(name) !== undefined) return refuse("upstream", "must be names separated by commas");
  }
  return $multi(set_of(names), undefined);
}

function read_kinds(): Read<LuaSet<string>> {
  const names = names_in("kind");
  if (names === undefined) return $multi(undefined, undefined);
  const known = set_of<string>(KINDS);
  for (const name of names) {
    if (!known.has(name))
      return refuse("kind", `must be of ${table.concat([...KINDS], ", ")}, separated by commas`);
  }
  return $multi(set_of(names), undefined);
}

/** Reads the query arguments `upstream` and `kind`. Phase: content_by_lua. */
export function read_filter(client: Client): Read<Filter> {
  const [upstreams, bad_upstream] = read_upstreams();
  const [kinds, bad_kind] = read_kinds();
  const problem = bad_upstream ?? bad_kind;
  if (problem !== undefined) return $multi(undefined, problem);
  return $multi({ upstreams, kinds, client: covers_all(client) ? undefined : client }, undefined);
}

/** Returns whether a client wants a message. Every client gets `lost`. Any phase. */
export function passes({ upstreams, kinds, client }: Filter, { kind, upstream }: Item): boolean {
  if (kind === "lost") return true;
  if (kinds !== undefined && !kinds.has(kind)) return false;
  if (client !== undefined && (upstream === undefined || !covers(client, upstream))) return false;
  return upstreams === undefined || (upstream !== undefined && upstreams.has(upstream));
}
