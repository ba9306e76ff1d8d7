import type { RouteConfig } from "../../config/sticky";
import { template_reader, type KeyReader } from "./key";
import { type Binding, type LiveServer, Own } from "./model";

/** `sticky.route`: the first variable that has a value names the `route` of the server for the request. */

/** Makes the reader of the first variable that has a value. A chain of readers needs no loop. */
function first_of(one: KeyReader, others: KeyReader): KeyReader {
  return () => {
    const value = one();
    return value === undefined || value === "" ? others() : value;
  };
}

function read_nothing(this: void): undefined {
  return undefined;
}

function place_of(servers: readonly LiveServer[], server: LiveServer): number {
  let place = 1;
  while (servers[place - 1] !== server) place += 1;
  return place;
}

export function new_route_binding({ variables }: RouteConfig): Binding {
  let read_route: KeyReader = read_nothing;
  for (const index of $range(variables.length - 1, 0, -1)) {
    read_route = first_of(template_reader(variables[index]) ?? read_nothing, read_route);
  }
  /** Several servers may have the same route. They are in the order of their ids. */
  const primaries_of = new LuaTable<string, LiveServer[] | undefined>();
  const backups_of = new LuaTable<string, LiveServer[] | undefined>();

  function join(this: void, server: LiveServer): void {
    if (server[Own.ROUTE] === "") return;
    const servers_of = server[Own.PARAMETERS].backup ? backups_of : primaries_of;
    const servers = servers_of.get(server[Own.ROUTE]) ?? [];
    // Most servers are added in that order.
    let place = servers.length;
    while (place > 0 && servers[place - 1].id > server.id) place -= 1;
    table.insert(servers, place + 1, server);
    servers_of.set(server[Own.ROUTE], servers);
  }

  function leave(this: void, server: LiveServer): void {
    const servers_of = server[Own.PARAMETERS].backup ? backups_of : primaries_of;
    const servers = servers_of.get(server[Own.ROUTE]);
    if (servers === undefined) return;
    table.remove(servers, place_of(servers, server));
    if (servers.length === 0) servers_of.delete(server[Own.ROUTE]);
  }

  function find_other(servers: readonly LiveServer[]): LiveServer | undefined {
    for (const server of servers) {
      if (!server[Own.DOWN]) return server;
    }
    return undefined;
  }

  function find(this: void, is_backup: boolean): LiveServer | undefined {
    const route = read_route();
    const servers_of = is_backup ? backups_of : primaries_of;
    const servers = route === undefined ? undefined : servers_of.get(route);
    if (servers === undefined) return undefined;
    return servers[0][Own.DOWN] ? find_other(servers) : servers[0];
  }

  function bind(this: void): void {
    // The application sets the route of a client.
  }

  return { join, leave, find, bind };
}
