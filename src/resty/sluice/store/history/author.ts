import type { Problem } from "../../config/problem";

/** Who makes a change, and why, as the history tells. */
export interface Author {
  /** The name of a client of the API, or what in this gateway makes the change. */
  readonly author: string;
  /** The address of the client; absent: the gateway itself. */
  readonly origin?: string | undefined;
  readonly comment?: string | undefined;
  /** nginx's `$request_id`. */
  readonly request_id?: string | undefined;
  /** Returns the problem of an upstream that the client does not see; absent: it sees all. */
  readonly check_upstream?: ((this: void, name: string) => Problem | undefined) | undefined;
}

/** The upstreams in `setup`. */
export const SETUP: Author = { author: "setup" };
/** A registry that an upstream follows. */
export const DISCOVERY: Author = { author: "discovery" };
/** The end of registrations that were not renewed. */
export const EXPIRY: Author = { author: "expiry" };
/** Drain jobs, which remove servers. */
export const DRAIN: Author = { author: "drain" };
export const AUTOSCALE: Author = { author: "autoscale" };
/** Another gateway of the cluster. */
export const CLUSTER: Author = { author: "cluster" };
