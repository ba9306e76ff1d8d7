import type { RouteConfig } from "../../config/sticky";
import { template_reader, type KeyReader } from "./key";
import type { LiveServer, Binding } from "./model";

/** `sticky.route`: a request is bound to the server whose `route` it names in the first variable that has a value. */

/** Gives the value of the first of some variables that has one. A chain, for that needs no loop. */
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

/** Makes the binding. */
export function new_route_binding({ variables }: RouteConfig): Binding {
  let read_route: KeyReader = read_nothing;
  for (const index of $range(variables.length - 1, 0, -1)) {
    read_route = first_of(template_reader(variables[index]) ?? read_nothing, read_route);
  }
  /** Servers may have a route in common; they are in the order of their ids. */
  const primaries_of = new LuaTable<string, LiveServer[] | undefined>();
  const backups_of = new LuaTable<string, LiveServer[] | undefined>();

  function join(this: void, server: LiveServer): void {
    if (server.route === "") return;
    const servers_of = server.backup ? backups_of : primaries_of;
    const servers = servers_of.get(server.route) ?? [];
    // Mostly they come in that order.
    let place = servers.length;
    while (place > 0 && servers[place - 1].id > server.id) place -= 1;
    table.insert(servers, place + 1, server);
    servers_of.set(server.route, servers);
  }

  function leave(this: void, server: LiveServer): void {
    const servers_of = server.backup ? backups_of : primaries_of;
    const servers = servers_of.get(server.route);
    if (servers === undefined) return;
    table.remove(servers, place_of(servers, server));
    if (servers.length === 0) servers_of.delete(server.route);
  }

  function find_other(servers: readonly LiveServer[]): LiveServer | undefined {
    for (const server of servers) {
      if (!server.down) return server;
    }
    return undefined;
  }

  function find(this: void, is_backup: boolean): LiveServer | undefined {
    const route = read_route();
    const servers_of = is_backup ? backups_of : primaries_of;
    const servers = route === undefined ? undefined : servers_of.get(route);
    if (servers === undefined) return undefined;
    return servers[0].down ? find_other(servers) : servers[0];
  }

  function bind(this: void): void {
    // The application says which route a client takes.
  }

  return { join, leave, find, bind };
}
