/** Answers of the API, as far as the command uses them. */

export type State = "up" | "draining" | "down" | "unavail" | "checking" | "unhealthy";

export interface Problem {
  problem: string;
  reason: string;
}

/** A member of a split, with its share in effect. */
export interface SplitMember {
  upstream: string;
  weight: number;
  share_percent: number;
  available: boolean;
}

/** A split as it is configured. */
export interface Split {
  by?: string;
  members: { upstream: string; weight: number; match?: Record<string, string> }[];
}

export interface Summary {
  name: string;
  revision: number;
  method: string;
  states: Partial<Record<State, number>>;
  active: number;
  requests: number;
  fails: number;
  panic?: boolean;
  problems?: Problem[];
  discovery?: { state: string; error?: string };
  split?: SplitMember[];
  worst?: { server: string; state: State; reason: string };
}

export interface Overview {
  revision: number;
  problems: Problem[];
  upstreams: (Summary & { servers: number })[];
}

export interface DetailedServer {
  id: number;
  server: string;
  node?: string;
  zone?: string;
  origin: string;
  backup: boolean;
  down?: true;
  drain?: true;
  standby?: true;
  drain_job?: true;
  state: State;
  reason: string;
  since?: string;
  weight: {
    effective: number;
    configured: number;
    slow_start: number;
    load: number;
    outlier?: number;
    reason: string;
  };
  picks_percent: number;
  active: number;
  max_conns: number;
  limit?: { max_conns: number; light_time?: number };
  requests: number;
  fails: number;
}

export interface DetailedStatus extends Summary {
  size: number;
  servers: DetailedServer[];
}

/** A server as it is configured. */
export interface Server {
  id: number;
  server: string;
  [parameter: string]: unknown;
}

export interface DrainJob {
  id: number;
  server: string;
  active?: number;
  state?: "done";
}

/** What explain says about the zones of an upstream. */
export interface ExplainedZones {
  own?: string;
  in_effect: boolean;
  reason: string;
  zones: { zone: string; local: boolean; share_percent?: number; servers: number; available: number }[];
}

export interface Explained {
  method: string;
  problems: Problem[];
  zones?: ExplainedZones;
  split?: SplitMember[];
  servers: (Omit<DetailedServer, "origin"> & { active_percent: number })[];
  next: { upstream?: string; id?: number; server?: string; reason: string };
}

/** A changed member; an absent value: it is not set. */
export interface FieldChange {
  field: string;
  from?: unknown;
  to?: unknown;
}

/** A server with its parameters. */
export interface ServerParameters {
  id?: number;
  server: string;
  [parameter: string]: unknown;
}

/** What a change does to one upstream. */
export interface Difference {
  change: "created" | "changed" | "deleted" | "unchanged";
  settings?: FieldChange[];
  servers?: {
    added?: ServerParameters[];
    removed?: ServerParameters[];
    changed?: { id?: number; server: string; fields: FieldChange[] }[];
    kept?: number;
  };
}

export interface Changed {
  revision: number;
  dry_run: boolean;
  upstreams: Record<string, Difference>;
  workers?: { following: number; total: number };
}

/** Tells whether something differs. */
export function differs({ upstreams }: Pick<Changed, "upstreams">): boolean {
  return Object.values(upstreams).some(({ change }) => change !== "unchanged");
}

/** One change of the past. */
export interface HistoryEntry {
  revision: number;
  time: string;
  author: string;
  origin?: string;
  comment?: string;
  request_id?: string;
  upstreams: Record<string, Difference>;
}

export interface History {
  changes: HistoryEntry[];
  oldest: number;
  newest: number;
}

export interface GatewayEvent {
  revision: number;
  time: string;
  upstream: string;
  server?: string;
  old_state?: State;
  new_state?: State;
  decision?: string;
  dry_run?: true;
  problem?: string;
  reason?: string;
  change?: string;
  added?: number;
  removed?: number;
  changed?: number;
}
