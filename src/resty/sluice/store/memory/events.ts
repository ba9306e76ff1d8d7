import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { encode, shape, shaped } from "../../lib/json";
import { put_event } from "./dict";
import { revision } from "./region";

/** The last 1,000 changes of state, decisions and problems, in the shared dict. Each is logged as well. */

const EVENT = shape([
  "number",
  "revision",
  "time",
  "upstream",
  "id",
  "server",
  "old_state",
  "new_state",
  "decision",
  "dry_run",
  "problem",
  "expired",
  "expires",
  "reason",
  "inputs",
]);

function put(event: object): void {
  put_event((number) => {
    const numbered = { ...event, number, revision: revision(), time: iso8601(clock.wall_time()) };
    return encode(shaped(numbered, EVENT));
  });
}

interface Named {
  upstream: { name: string };
  server: string;
  id: number;
}

/** Records a change of state, and logs trouble as a warning. Any phase. */
export function record_event(
  { upstream, server, id }: Named,
  old_state: string,
  new_state: string,
  reason: string,
  is_trouble: boolean,
): void {
  ngx.log(
    is_trouble ? ngx.WARN : ngx.NOTICE,
    `sluice: upstream ${upstream.name}: server ${server} is ${new_state}, was ${old_state}: ${reason}`,
  );
  put({ upstream: upstream.name, id, server, old_state, new_state, reason });
}

/** A decision of `autoscale`. */
export interface DecisionEvent {
  upstream: string;
  /** The server that the decision is about, if it is about one. */
  id: number | undefined;
  server: string | undefined;
  decision: "scale_out" | "scale_in";
  /** True: the decision is not carried out. */
  dry_run: true | undefined;
  reason: string;
  inputs: object;
}

/** Records a decision to scale. Any phase. */
export function record_decision(event: DecisionEvent): void {
  const { upstream, server, decision, dry_run, reason } = event;
  const what = `${decision}${server === undefined ? "" : ` of server ${server}`}`;
  const how = dry_run === true ? " (dry run: nothing is done)" : "";
  ngx.log(ngx.NOTICE, `sluice: upstream ${upstream}: ${what}${how}: ${reason}`);
  put(event);
}

/** A problem of an upstream or, with `id` and `server`, of a server that keeps serving. */
export interface ProblemEvent {
  upstream: string;
  id?: number;
  server?: string;
  problem:
    | "log_missing"
    | "check_unproven"
    | "registration_expired"
    | "outlier_detected"
    | "outlier_ended"
    | "ejection_reported";
  /** Given with `expires`: the registration of the server ended at that time. */
  expired?: true;
  expires?: string;
  reason: string;
}

/** Records a problem, and logs it. Any phase. */
export function record_problem(level: number, event: ProblemEvent): void {
  const { upstream, server, reason } = event;
  const whose = server === undefined ? upstream : `${upstream}: server ${server}`;
  ngx.log(level, `sluice: upstream ${whose}: ${reason}`);
  put(event);
}
