import { pause } from "../lib/pause";
import { parse_document } from "./document/document";
import { may_have_sourced } from "./document/line";
import { registered_nodes, type NodeRecord } from "./document/nodes";
import { follow_upstreams, new_follower, type Follower, type Pause } from "./memory/changes";
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

/** Lets the worker serve requests, and goes on with the next upstreams. */
function pause_and_go_on(this: void): boolean {
  pause();
  return true;
}

/**
 * Follows the changes since the last call: O(changes), for a new worker O(upstreams). Returns false if
 * `pause` has. Any phase in which `pause` can run.
 */
export function follow_registered(registered: Registered, pause: Pause = pause_and_go_on): boolean {
  const look = (name: string) => {
    look_at(registered, name);
  };
  return follow_upstreams(registered.follower, registered.nodes, look, pause);
}
