import { C, cdef, type NumberPointer } from "ffi";

import { Header } from "../../store/memory/cells";
import { shared_memory } from "../../store/memory/region";
import { ok, type Answered } from "../answer";
import { filter_object, wanted_fields } from "../fields";
import type { Route } from "../route";

/** `/connections` and `/http/requests`: the counters of ngx_http_stub_status_module. */

interface StubStatus {
  ngx_stat_accepted: NumberPointer;
  ngx_stat_handled: NumberPointer;
  ngx_stat_requests: NumberPointer;
  ngx_stat_active: NumberPointer;
  ngx_stat_reading: NumberPointer;
  ngx_stat_writing: NumberPointer;
  ngx_stat_waiting: NumberPointer;
}

cdef(`
  extern volatile unsigned long *ngx_stat_accepted, *ngx_stat_handled, *ngx_stat_requests, *ngx_stat_active,
    *ngx_stat_reading, *ngx_stat_writing, *ngx_stat_waiting;
`);

const stub_status = C as StubStatus;
/** False: nginx was built without the module. */
const [is_counted] = pcall(() => stub_status.ngx_stat_accepted);

function counter(name: keyof StubStatus): number {
  return tonumber(stub_status[name][0]) as number;
}

/** Returns the connections dropped. Handled ones are read first, so that it is never negative. */
function dropped(): number {
  const handled = counter("ngx_stat_handled");
  return counter("ngx_stat_accepted") - handled;
}

/** Returns the increase of a total since its reset. nginx's own counter is not changed. */
function since_reset(total: number, noted: Header): number {
  return math.max(0, total - shared_memory()[noted]);
}

function get_connections(this: void): Answered {
  if (!is_counted) return ok({});
  const idle = counter("ngx_stat_waiting");
  const connections = {
    accepted: since_reset(counter("ngx_stat_accepted"), Header.ACCEPTED_AT_RESET),
    dropped: since_reset(dropped(), Header.DROPPED_AT_RESET),
    active: math.max(0, counter("ngx_stat_active") - idle),
    idle,
  };
  return ok(filter_object(connections, wanted_fields()));
}

function reset_connections(this: void): Answered {
  if (is_counted) {
    shared_memory()[Header.ACCEPTED_AT_RESET] = counter("ngx_stat_accepted");
    shared_memory()[Header.DROPPED_AT_RESET] = dropped();
  }
  return $multi({ status: 204 }, undefined);
}

function get_requests(this: void): Answered {
  if (!is_counted) return ok({});
  const requests = {
    total: since_reset(counter("ngx_stat_requests"), Header.REQUESTS_AT_RESET),
    current: counter("ngx_stat_reading") + counter("ngx_stat_writing"),
  };
  return ok(filter_object(requests, wanted_fields()));
}

function reset_requests(this: void): Answered {
  if (is_counted) shared_memory()[Header.REQUESTS_AT_RESET] = counter("ngx_stat_requests");
  return $multi({ status: 204 }, undefined);
}

export const routes: Route[] = [
  { path: "connections", GET: get_connections, DELETE: reset_connections },
  { path: "http/requests", GET: get_requests, DELETE: reset_requests },
];
