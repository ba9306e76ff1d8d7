import type { Client } from "../api/client";
import { serversPath, upstreamPath } from "../api/paths";
import { Failure } from "../failure";
import { canonical } from "../model/address";
import type { DetailedServer, DetailedStatus, Server } from "../model/answers";
import { ensureAgreed } from "../output/terminal";
import { clean } from "../output/text";

/** Finds servers, and guards those that an upstream cannot do without. */

function noServer(upstream: string, server: string): Failure {
  return new Failure(
    `the upstream "${upstream}" has no server ${server}: \`sluice get ${upstream}\` lists its servers`,
  );
}

/** Returns a server with its limit as it is configured, instead of the present one. */
export function asConfigured({ adaptive, ...server }: Server): Server {
  return adaptive === true ? { ...server, max_conns: "adaptive" } : server;
}

/** Returns the server of an upstream with that address, in any spelling. */
export async function findServer(client: Client, upstream: string, address: string): Promise<Server> {
  const servers = await client.get<Server[]>(serversPath(upstream));
  const wanted = canonical(address);
  const found = servers.find(({ server }) => canonical(server) === wanted);
  if (found === undefined) throw noServer(upstream, address);
  return asConfigured(found);
}

/** Returns the status of an upstream, and that of one of its servers. */
export async function findStatus(
  client: Client,
  upstream: string,
  address: string,
): Promise<{ status: DetailedStatus; server: DetailedServer }> {
  const status = await client.get<DetailedStatus>(upstreamPath(upstream, "/status"));
  const wanted = canonical(address);
  const server = status.servers.find(({ server: each }) => canonical(each) === wanted);
  if (server === undefined) throw noServer(upstream, address);
  return { status, server };
}

/** Sends a change of a server. Returns it as it is afterwards. */
export async function changeServer(
  client: Client,
  upstream: string,
  id: number,
  change: Record<string, unknown>,
): Promise<Server> {
  const path = serversPath(upstream, id);
  return asConfigured((await client.send<Server>({ method: "PATCH", path, body: change })).body);
}

/** Returns the number of the other servers that are up. */
export function othersUp({ servers }: DetailedStatus, { id }: DetailedServer): number {
  return servers.filter((each) => each.id !== id && each.state === "up").length;
}

/** Asks before the last server that is up gets no requests any more. */
export async function guardLast(
  upstream: string,
  status: DetailedStatus,
  server: DetailedServer,
  question: string,
  isAgreed: boolean | undefined,
): Promise<void> {
  if (server.state !== "up" || othersUp(status, server) > 0) return;
  const fact = `${clean(server.server)} is the only server of "${clean(upstream)}" that is up`;
  await ensureAgreed(fact, question, isAgreed);
}
