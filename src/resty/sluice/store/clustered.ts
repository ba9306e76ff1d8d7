/** Whether this gateway shares its upstreams with others. */

/** Servers that a registry brings are each gateway's own, with ids that no shared server gets. */
export const FIRST_LOCAL_ID = 1000000000;

/** So many digits has etcd's revision in a document: all of them, whatever it is. */
export const CLUSTER_DIGITS = 16;

let clustered = false;

/** Sets it. Phase: init_by_lua. */
export function set_clustered(on: boolean): void {
  clustered = on;
}

/** Whether upstreams are shared. Any phase. */
export function is_clustered(): boolean {
  return clustered;
}

/** Whether a server's id is one of those. Any phase. */
export function is_local_id(id: number): boolean {
  return id >= FIRST_LOCAL_ID;
}
