import { drainPath, serverPath, serversPath } from "./paths";
import { valueText, type Change, type Plan } from "./plan";
import type { ServerConfig } from "./types";

/** The changes that the dashboard makes. Each sends only what it changes. */

/** Parameters of a server that can be set. */
export type Settings = Partial<Omit<ServerConfig, "id" | "source" | "node" | "in_service">>;

/** A server of an upstream, as it is configured. */
export interface Target {
  upstream: string;
  config: ServerConfig;
}

function changesOf(config: ServerConfig, settings: Settings): Change[] {
  return Object.entries(settings).map(([name, value]) => ({
    name,
    before: valueText(config[name as keyof Settings]),
    after: valueText(value),
  }));
}

/** Returns a setting to compare with another value. The gateway omits flags and texts that are not set. */
function valueLike(config: ServerConfig, name: string, other: unknown): unknown {
  return config[name as keyof Settings] ?? (typeof other === "boolean" ? false : "");
}

/** Returns those settings that differ from the configuration. */
function differing(config: ServerConfig, settings: Settings): Settings {
  const entries = Object.entries(settings).filter(
    ([name, value]) => String(valueLike(config, name, value)) !== String(value),
  );
  return Object.fromEntries(entries);
}

/** Returns the values that settings replace. */
function replaced(config: ServerConfig, settings: Settings): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, valueLike(config, name, value)]),
  );
}

/** Plans to set parameters of a server; undefined: nothing would change. */
export function planSet(
  { upstream, config }: Target,
  settings: Settings,
  notes: string[] = [],
): Plan | undefined {
  const body = differing(config, settings);
  const names = Object.keys(body);
  if (names.length === 0) return undefined;
  const path = serverPath(upstream, config.id);
  const changes = changesOf(config, body);
  const isMoved = body.server !== undefined;
  const moved = isMoved
    ? ["Another address is another server: its counters and clients' bindings begin anew."]
    : [];
  const before = replaced(config, body);
  // As in NGINX Plus, a change of "down" ends draining.
  if (body.down !== undefined && config.drain === true) before.drain = true;
  return {
    request: { method: "PATCH", path, body },
    changes,
    notes: [...notes, ...moved],
    done: `${config.server}: ${changes.map(({ name, after }) => `${name} is now ${after}`).join(", ")}.`,
    undo: () => ({ method: "PATCH", path, body: before }),
  };
}

/** Plans a job that removes a server when it is idle. `deadline`: an nginx time; "": none. */
export function planDrain({ upstream, config }: Target, deadline: string, notes: string[]): Plan {
  const path = drainPath(upstream, config.id);
  const at = deadline === "" ? "when it is idle" : `when it is idle, after ${deadline} at the latest`;
  return {
    request: { method: "POST", path, body: deadline === "" ? {} : { deadline } },
    changes: [
      { name: "new requests", before: "yes", after: "only those of clients that are bound to it" },
      { name: "removed", before: "no", after: at },
    ],
    notes,
    done: `${config.server} is draining and will be removed ${at}.`,
    undo: () => ({ method: "DELETE", path }),
  };
}

/** Plans to end a drain job, so that the server stays. */
export function planKeep({ upstream, config }: Target): Plan {
  return {
    request: { method: "DELETE", path: drainPath(upstream, config.id) },
    changes: [{ name: "drain", before: "yes, and then removed", after: "no" }],
    notes: [],
    done: `${config.server} no longer drains.`,
  };
}

/** Returns the body of a request that adds a server again. */
function bodyOf(config: ServerConfig): Record<string, unknown> {
  const { id: _id, source: _source, node: _node, in_service: _service, ...body } = config;
  return body;
}

/** Plans to delete a server. To undo it adds the server again. */
export function planDelete({ upstream, config }: Target, notes: string[]): Plan {
  return {
    request: { method: "DELETE", path: serverPath(upstream, config.id) },
    changes: [{ name: config.server, before: `a server of ${upstream}`, after: "deleted" }],
    notes: [
      ...notes,
      "Requests in progress are finished. Undo adds it again, with a new id and fresh counters.",
    ],
    done: `${config.server} was deleted from ${upstream}.`,
    undo: () => ({ method: "POST", path: serversPath(upstream), body: bodyOf(config) }),
  };
}

/** Plans to add a server; undefined: it has no address yet. */
export function planAdd(upstream: string, settings: Settings): Plan | undefined {
  const { server } = settings;
  if (server === undefined || server === "") return undefined;
  return {
    request: { method: "POST", path: serversPath(upstream), body: settings },
    changes: Object.entries(settings).map(([name, value]) => ({ name, before: "", after: valueText(value) })),
    notes: [],
    done: `${server} was added to ${upstream}.`,
    undo: (answer) => {
      const { id } = answer as { id?: unknown };
      return typeof id === "number" ? { method: "DELETE", path: serverPath(upstream, id) } : undefined;
    },
  };
}
