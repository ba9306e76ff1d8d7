import { source_in } from "../../config/upstream_template";
import { current_template } from "../../discovery/template/current";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { list, record } from "../../lib/json";
import { ok, type Answered } from "../answer";
import type { Route } from "../route";
import { template_state } from "../template_state";

/** `/sluice/1/discovery`: the registry that feeds many upstreams, and its state. */

const template_record = record(`
  source state last_success error revision upstreams skipped skipped_count pending
`);
const skipped_record = record("entry reason");
const pending_record = record("reason count confirmations upstreams");

function get(this: void): Answered {
  const template = current_template();
  if (template === undefined) {
    const text = 'no registry feeds many upstreams: setup has no "discovery"';
    return $multi(undefined, { status: 404, code: "DiscoveryNotFound", text });
  }
  const { state, error, report, last_success } = template_state();
  const { revision, upstreams = 0, skipped = [], skipped_count = 0, pending } = report ?? {};
  if (pending !== undefined) list(pending.upstreams);
  const object = {
    source: source_in(template),
    state,
    last_success: last_success === undefined ? undefined : iso8601(clock.wall_time_of(last_success)),
    error,
    revision,
    upstreams,
    skipped: list(skipped.map((entry) => skipped_record(entry))),
    skipped_count,
    pending: pending === undefined ? undefined : pending_record(pending),
  };
  return ok(template_record(object));
}

export const routes: Route[] = [{ path: "discovery", GET: get }];
