import type { Role } from "../../config/access";
import type { Problem } from "../../config/problem";

/** Who has sent a request, and what it may do. */

export interface Client {
  /**
   * The name of a token, `write_token` or `read_token` for tokens without a name, the subject of a
   * certificate, or `local`.
   */
  readonly name: string;
  readonly kind: "token" | "certificate" | "local";
  readonly role: Role;
  /** The names or patterns of the upstreams that it sees and changes; undefined: all. */
  readonly upstreams: readonly string[] | undefined;
}

/** The client of a page without data, whom nobody has asked for credentials. It sees no upstream. */
export const NOBODY: Client = { name: "", kind: "local", role: "read", upstreams: [] };

/** The problem of a request without valid credentials. */
export const NO_CREDENTIALS: Problem = {
  status: 401,
  code: "Unauthorized",
  text: "a valid token is needed: Authorization: Bearer …, or Basic with the token as the password",
};

/** The roles whose rights a role has. */
const INCLUDED: Record<Role, readonly Role[]> = {
  read: ["read"],
  report: ["report"],
  operate: ["operate", "read"],
  write: ["write", "operate", "report", "read"],
  admin: ["admin", "write", "operate", "report", "read"],
};

/** Tells whether a client has one of some roles, or a role that includes one of them. Pure. */
export function has_role({ role }: Client, needed: readonly Role[]): boolean {
  for (const included of INCLUDED[role]) {
    for (const wanted of needed) {
      if (included === wanted) return true;
    }
  }
  return false;
}

/** Tells whether a name matches a pattern, in which one `*` stands for any text. Pure; linear time. */
export function matches(pattern: string, name: string): boolean {
  const [star] = string.find(pattern, "*", 1, true);
  if (star === undefined) return pattern === name;
  const start = string.sub(pattern, 1, star - 1);
  const end = string.sub(pattern, star + 1);
  if (name.length < start.length + end.length) return false;
  return (
    string.sub(name, 1, start.length) === start && string.sub(name, name.length - end.length + 1) === end
  );
}

/** Tells whether a client sees all upstreams. Pure. */
export function covers_all({ upstreams }: Client): boolean {
  return upstreams === undefined;
}

/** Tells whether a client sees an upstream, which need not exist. Pure. */
export function covers({ upstreams }: Client, name: string): boolean {
  if (upstreams === undefined) return true;
  for (const pattern of upstreams) {
    if (matches(pattern, name)) return true;
  }
  return false;
}

const LONGEST_SHOWN = 128;

/** Names a client in a sentence. */
function description({ name, kind }: Client): string {
  return kind === "local" ? "the local client" : `the ${kind} "${string.sub(name, 1, LONGEST_SHOWN)}"`;
}

/** Returns the problem of a client without any of the roles that `what` needs. Pure. */
export function check_role(client: Client, needed: readonly Role[], what: string): Problem | undefined {
  if (has_role(client, needed)) return undefined;
  const roles = `"${table.concat(needed as Role[], '" or "')}"`;
  const text = `${what} needs the role ${roles}; ${description(client)} has the role "${client.role}"`;
  return { status: 403, code: "RoleMissing", text };
}

/** Returns the problem of a client that does not see an upstream, whether or not it exists. Pure. */
export function check_upstream(client: Client, name: string): Problem | undefined {
  if (covers(client, name)) return undefined;
  const text = `${description(client)} does not cover the upstream "${string.sub(name, 1, LONGEST_SHOWN)}"`;
  return { status: 403, code: "UpstreamNotAllowed", text };
}

/** Returns the problem of a client that does not see all upstreams. Pure. */
export function check_all_upstreams(client: Client): Problem | undefined {
  if (covers_all(client)) return undefined;
  const text = `${description(client)} covers only some upstreams, and this request concerns all of them`;
  return { status: 403, code: "UpstreamNotAllowed", text };
}

/** Returns why a client may not make any change of an upstream; undefined: it may. Pure. */
export function check_change(client: Client, name: string): Problem | undefined {
  return check_role(client, ["write"], `a change of the upstream "${name}"`) ?? check_upstream(client, name);
}
