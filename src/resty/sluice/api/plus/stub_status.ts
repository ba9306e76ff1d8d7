import { C, cdef, type NumberPointer } from "ffi";

import { Header } from "../../store/memory/header_cells";
import { shared_memory } from "../../store/memory/region";
import { ok, reply, type Answered } from "../answer";
import { filter_object, wanted_fields } from "../fields";
import type { Route } from "../route";

/** `/connections` and `/http/requests`: the counters of ngx_http_stub_status_module. */

type Counter = "accepted" | "handled" | "requests" | "active" | "reading" | "writing" | "waiting";
type StubStatus = Record<`ngx_stat_${Counter}`, NumberPointer>;

cdef(`
  extern volatile unsigned long *ngx_stat_accepted, *ngx_stat_handled, *ngx_stat_requests, *ngx_stat_active,
    *ngx_stat_reading, *ngx_stat_writing, *ngx_stat_waiting;
`);

const stub_status = C as StubStatus;
/** False: nginx was built without the module. */
const [is_counted] = pcall(() => stub_status.ngx_stat_accepted);

function counter(name: Counter): number {
  return tonumber(stub_status[`ngx_stat_${name}`][0]) as number;
}

/** Returns the connections dropped. Handled ones are read first, so that it is never negative. */
function dropped(): number {
  const handled = counter("handled");
  return counter("accepted") - handled;
}

/** Returns the increase of a total since its reset. nginx's own counter is not changed. */
function since_reset(total: number, noted: Header): number {
  return math.max(0, total - shared_memory()[noted]);
}

function get_connections(this: void): Answered {
  if (!is_counted) return ok({});
  const idle = counter("waiting");
  const connections = {
    accepted: since_reset(counter("accepted"), Header.ACCEPTED_AT_RESET),
    dropped: since_reset(dropped(), Header.DROPPED_AT_RESET),
    active: math.max(0, counter("active") - idle),
    idle,
  };
  return ok(filter_object(connections, wanted_fields()));
}

function reset_connections(this: void): Answered {
  if (is_counted) {
    shared_memory()[Header.ACCEPTED_AT_RESET] = counter("accepted");
    shared_memory()[Header.DROPPED_AT_RESET] = dropped();
  }
  return reply(204);
}

function get_requests(this: void): Answered {
  if (!is_counted) return ok({});
  const requests = {
    total: since_reset(counter("requests"), Header.REQUESTS_AT_RESET),
    current: counter("reading") + counter("writing"),
  };
  return ok(filter_object(requests, wanted_fields()));
}

function reset_requests(this: void): Answered {
  if (is_counted) shared_memory()[Header.REQUESTS_AT_RESET] = counter("requests");
  return reply(204);
}

export const routes: Route[] = [
  { path: "connections", scope: "neutral", GET: get_connections, DELETE: reset_connections },
  { path: "http/requests", scope: "neutral", GET: get_requests, DELETE: reset_requests },
];
