/** Compares the spellings of a server's address. The gateway itself decides what is an address. */

/** Returns one text for all spellings of an address. */
export function canonical(server: string): string {
  if (server.startsWith("unix:")) return server;
  const [, host = server, port = "80"] = /^(\[[^\]]*\]|[^:]*)(?::0*(\d+))?$/.exec(server) ?? [];
  if (!host.startsWith("[")) return `${host}:${port}`;
  try {
    return `${new URL(`http://${host}`).hostname}:${port}`;
  } catch {
    return `${host}:${port}`;
  }
}

/** Tells whether a text looks like a host name, with or without a port, instead of an address. */
export function isHostName(server: string): boolean {
  return /^[\w.-]*[a-z][\w.-]*(:\d+)?$/i.test(server);
}
