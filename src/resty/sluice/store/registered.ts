import { parse_document } from "./document/document";
import { may_have_sourced } from "./document/line";
import { registered_nodes, type NodeRecord } from "./document/nodes";
import { follow_upstreams, new_follower, type Follower } from "./memory/changes";
import { get_text } from "./memory/dict";

/** The upstreams with registered servers, for background work that examines them repeatedly. */

/** The registered servers known so far. */
export interface Registered {
  follower: Follower;
  nodes: LuaTable<string, NodeRecord[] | undefined>;
}

/** Returns a record that knows no server yet. */
export function new_registered(): Registered {
  return { follower: new_follower(), nodes: new LuaTable() };
}

function look_at({ nodes }: Registered, name: string): void {
  const text = get_text(name);
  if (text === undefined || !may_have_sourced(text, "register")) nodes.delete(name);
  else nodes.set(name, registered_nodes(parse_document(text)));
}

/** Follows the changes since the last call: O(changes). Any phase. */
export function follow_registered(registered: Registered): void {
  const look = (name: string) => {
    look_at(registered, name);
  };
  follow_upstreams(registered.follower, registered.nodes, look, () => true);
}
