import "../support/nginx_stub";

import { count_request } from "../../../src/resty/sluice/live/view/counters";
import { Own } from "../../../src/resty/sluice/live/view/model";
import {
  find_upstream,
  find_upstream_for_retry,
  for_each_upstream,
  look_at_upstream,
  refresh_all,
} from "../../../src/resty/sluice/live/view/view";
import { kernel_now } from "../../../src/resty/sluice/lib/clock";
import { parse_line } from "../../../src/resty/sluice/store/document/line";
import { read } from "../../../src/resty/sluice/store/document/read";
import { Row, UpstreamRow } from "../../../src/resty/sluice/store/memory/cells";
import { Reported } from "../../../src/resty/sluice/store/memory/states";
import { row_at, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";
import { A, B, NOW, put, remove, server_of, start_worker, upstream_at } from "../support/live_worker";

let name = "";

before_each(() => {
  name = start_worker();
});

/** Whether the timers of this worker treat the upstream as served. */
function is_served(): boolean {
  let found = false;
  for_each_upstream((upstream) => {
    if (upstream.name === name) found = true;
  });
  return found;
}

describe("the view of an upstream", () => {
  it("is made at the first request, and stays the same while nothing changes", () => {
    expect(find_upstream(name, NOW)).equal(undefined);
    put(name, {}, [{ server: A }]);
    const upstream = find_upstream(name, NOW);
    expect(upstream?.name).equal(name);
    expect(find_upstream(name, NOW)).equal(upstream);
  });

  it("follows a change at the next request, and keeps the servers that stay", () => {
    put(name, {}, [{ server: A }]);
    const upstream = upstream_at(name, NOW);
    const server = server_of(upstream, A);
    count_request(server, NOW);
    put(name, {}, [{ server: A, weight: 3 }, { server: B }]);
    expect(upstream_at(name, NOW)).equal(upstream);
    expect(upstream.size).equal(2);
    expect(server_of(upstream, A)).equal(server);
    expect(server.weight).equal(3);
    expect(shared_memory()[server[Own.ACTIVE]]).equal(1);
  });

  it("ends with the upstream", () => {
    put(name, {}, [{ server: A }]);
    upstream_at(name, NOW);
    remove(name);
    expect(find_upstream(name, NOW)).equal(undefined);
    expect(is_served()).equal(false);
  });

  it("is replaced when the upstream is deleted and created again", () => {
    put(name, {}, [{ server: A }]);
    const before = upstream_at(name, NOW);
    remove(name);
    put(name, {}, [{ server: A }]);
    const after = upstream_at(name, NOW);
    expect(after === before).equal(false);
    expect(after.incarnation > before.incarnation).equal(true);
  });

  it("is removed by the timer when the upstream was deleted and there is no request", () => {
    put(name, {}, [{ server: A }]);
    upstream_at(name, NOW);
    remove(name);
    expect(is_served()).equal(true);
    refresh_all();
    expect(is_served()).equal(false);
  });
});

describe("a look at an upstream", () => {
  it("does not make the worker serve it, and is kept for the first request", () => {
    put(name, {}, [{ server: A }]);
    const looked_at = look_at_upstream(name, NOW);
    expect(looked_at?.size).equal(1);
    expect(is_served()).equal(false);
    expect(upstream_at(name, NOW)).equal(looked_at);
    expect(is_served()).equal(true);
  });
});

describe("a worker without a slot for its counters", () => {
  it("serves no upstream", () => {
    name = start_worker(0);
    put(name, {}, [{ server: A }]);
    expect(find_upstream(name, NOW)).equal(undefined);
  });
});

describe("a change of health", () => {
  /** Makes a server unavailable, as another worker does. */
  function make_unavailable(address: string): void {
    const memory = shared_memory();
    const { row, upstream } = server_of(upstream_at(name, NOW), address);
    memory[row + Row.UNAVAILABLE_UNTIL] = NOW + 10;
    memory[upstream.row + UpstreamRow.HEALTH_REVISION] =
      memory[upstream.row + UpstreamRow.HEALTH_REVISION] + 1;
  }

  it("makes the upstream panic below panic_threshold, and only then", () => {
    put(name, { panic_threshold: 60 }, [{ server: A }, { server: B }, { server: "10.0.0.3:80" }]);
    make_unavailable(A);
    expect(upstream_at(name, NOW).panics).equal(false);
    make_unavailable(B);
    expect(upstream_at(name, NOW).panics).equal(true);
  });

  it("is followed by a retry only with panic_threshold", () => {
    const servers = [{ server: A }, { server: B }];
    put(name, {}, servers);
    const upstream = upstream_at(name, NOW);
    const seen = upstream.health_revision;
    const memory = shared_memory();
    memory[upstream.row + UpstreamRow.HEALTH_REVISION] = seen + 1;
    find_upstream_for_retry(name, NOW);
    expect(upstream.health_revision).equal(seen);
    find_upstream(name, NOW);
    expect(upstream.health_revision).equal(seen + 1);
    put(name, { panic_threshold: 50 }, servers);
    upstream_at(name, NOW);
    memory[upstream.row + UpstreamRow.HEALTH_REVISION] = seen + 2;
    find_upstream_for_retry(name, NOW);
    expect(upstream.health_revision).equal(seen + 2);
  });
});

describe("the state that a server reports", () => {
  function report(state: Reported, reported_at: number): void {
    const memory = shared_memory();
    const { row, upstream } = server_of(upstream_at(name, NOW), A);
    memory[row + Row.REPORTED_STATE] = state;
    memory[row + Row.STATE_REPORTED_AT] = reported_at;
    memory[upstream.row + UpstreamRow.HEALTH_REVISION] =
      memory[upstream.row + UpstreamRow.HEALTH_REVISION] + 1;
  }

  it("takes the server out of rotation at the next request, and puts it back", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    report(Reported.DRAIN, kernel_now());
    const upstream = upstream_at(name, kernel_now());
    expect(upstream.in_rotation).equal(1);
    expect(server_of(upstream, A)[Own.DOWN]).equal(false);
    report(Reported.DOWN, kernel_now());
    upstream_at(name, kernel_now());
    expect(server_of(upstream, A)[Own.DOWN]).equal(true);
    report(Reported.UP, kernel_now());
    upstream_at(name, kernel_now());
    expect(upstream.in_rotation).equal(2);
  });

  it("expires in a worker that has not served the upstream yet", () => {
    put(name, {}, [{ server: A }]);
    const { row } = parse_line((read(name)?.lines ?? [])[0]);
    shared_memory()[row_at(row) + Row.REPORTED_STATE] = Reported.DRAIN;
    shared_memory()[row_at(row) + Row.STATE_REPORTED_AT] = kernel_now() - 181;
    expect(upstream_at(name, kernel_now()).in_rotation).equal(1);
  });

  it("is ended by the timer after its expiry, not by a request to a served upstream", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    report(Reported.DRAIN, kernel_now() - 181);
    const upstream = upstream_at(name, kernel_now());
    expect(upstream.in_rotation).equal(1);
    refresh_all();
    expect(upstream.in_rotation).equal(2);
    report(Reported.DRAIN, kernel_now() - 100);
    refresh_all();
    expect(upstream.in_rotation).equal(1);
  });
});
