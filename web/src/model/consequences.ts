import type { ServerStatus, UpstreamStatus } from "./types";
import { plural } from "./words";

/** Returns what it means to take a server away: whether others are left, and what it does now. */
export function consequences(server: ServerStatus, upstream: UpstreamStatus): string[] {
  const said: string[] = [];
  const others = upstream.servers.filter((other) => other.id !== server.id && other.state === "up");
  if (server.state === "up" && others.length === 0)
    said.push("It is the only server that is up. Without it, every request gets 502.");
  else if (server.picks_percent > 0 && others.length > 0)
    said.push(
      `It gets ${server.picks_percent} % of the requests, which ${plural(others.length, "other server")} will get.`,
    );
  if (server.active > 0) said.push(`It has ${plural(server.active, "request")} in progress.`);
  return said;
}
