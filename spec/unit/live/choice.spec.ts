import "../support/nginx_stub";

import { new_attempts } from "../../../src/resty/sluice/live/attempts";
import { choose, foresee, is_full, is_still_available } from "../../../src/resty/sluice/live/choice";
import { count_end, own_in_flight } from "../../../src/resty/sluice/live/view/counters";
import { type LiveServer, Own } from "../../../src/resty/sluice/live/view/model";
import { Row } from "../../../src/resty/sluice/store/memory/cells";
import { State } from "../../../src/resty/sluice/store/memory/states";
import { shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";
import {
  A,
  B,
  C,
  choose_several,
  NOW,
  put,
  send_from_other_worker,
  server_of,
  start_worker,
  upstream_at,
} from "../support/live_worker";
import { nginx } from "../support/nginx_stub";

let name = "";

before_each(() => {
  name = start_worker();
});

function make_unavailable(server: LiveServer): void {
  shared_memory()[server.row + Row.UNAVAILABLE_UNTIL] = NOW + 10;
}

describe("max_conns", () => {
  it("is the upper bound on the requests in progress at a server", () => {
    put(name, {}, [
      { server: A, max_conns: 1 },
      { server: B, max_conns: 2 },
    ]);
    const chosen = choose_several(name, 4);
    table.sort(chosen);
    expect(chosen).same([A, B, B, "none"]);
    expect(is_full(upstream_at(name, NOW), NOW)).equal(true);
  });

  it("counts the requests of other workers", () => {
    put(name, {}, [{ server: A, max_conns: 3 }, { server: B }]);
    send_from_other_worker(server_of(upstream_at(name, NOW), A), 3);
    expect(choose_several(name, 3)).same([B, B, B]);
  });

  it("allows a server another request when one has ended", () => {
    put(name, {}, [{ server: A, max_conns: 1 }]);
    expect(choose_several(name, 2)).same([A, "none"]);
    count_end(server_of(upstream_at(name, NOW), A), 0);
    expect(choose_several(name, 2)).same([A, "none"]);
  });

  it("holds when another worker takes the last free slot at the same time", () => {
    put(name, {}, [
      { server: A, max_conns: 1 },
      { server: B, max_conns: 5 },
    ]);
    const upstream = upstream_at(name, NOW);
    const first = server_of(upstream, A);
    const globals = _G as unknown as { ngx: { shared: { sluice: { get: unknown } } } };
    const dict = globals.ngx.shared.sluice;
    const { get } = dict;
    // The fence that follows the count of this worker's request reads the dict.
    dict.get = () => {
      dict.get = get;
      send_from_other_worker(first, 1);
    };
    expect(choose_several(name, 1)).same([B]);
    expect(own_in_flight(first)).equal(0);
    expect(shared_memory()[upstream[Own.ACTIVE]]).equal(1);
  });

  it("never makes an upstream full whose servers have no limit", () => {
    put(name, {}, [{ server: A }]);
    const upstream = upstream_at(name, NOW);
    make_unavailable(server_of(upstream, A));
    expect(is_full(upstream, NOW)).equal(false);
  });
});

describe("a backup server", () => {
  it("receives requests only while no primary server is available", () => {
    put(name, {}, [{ server: A }, { server: B, backup: true }]);
    expect(choose_several(name, 2)).same([A, A]);
    make_unavailable(server_of(upstream_at(name, NOW), A));
    expect(choose_several(name, 2)).same([B, B]);
    shared_memory()[server_of(upstream_at(name, NOW), A).row + Row.UNAVAILABLE_UNTIL] = 0;
    expect(choose_several(name, 1)).same([A]);
  });

  it("receives requests while the primary servers are full", () => {
    put(name, {}, [
      { server: A, max_conns: 1 },
      { server: B, backup: true, max_conns: 1 },
    ]);
    expect(choose_several(name, 3)).same([A, B, "none"]);
  });

  it("receives a retry when all primary servers were tried", () => {
    put(name, {}, [{ server: A }, { server: B }, { server: C, backup: true }]);
    const upstream = upstream_at(name, NOW);
    const attempts = new_attempts();
    for (const address of [A, B]) attempts.tried.add(server_of(upstream, address));
    expect(choose(upstream, attempts, NOW)[0]?.server).equal(C);
  });
});

describe("a retry", () => {
  it("does not go to a server that was already tried", () => {
    put(name, {}, [{ server: A }, { server: B }, { server: C }]);
    const upstream = upstream_at(name, NOW);
    const attempts = new_attempts();
    const tried: string[] = [];
    for (const _ of $range(1, 3)) {
      const [server] = choose(upstream, attempts, NOW);
      if (server === undefined) error("no server is left", 0);
      tried.push(server.server);
      attempts.tried.add(server);
    }
    table.sort(tried);
    expect(tried).same([A, B, C]);
    expect(choose(upstream, attempts, NOW)[0]).equal(undefined);
  });

  it("goes to the only server again", () => {
    put(name, {}, [{ server: A }]);
    const upstream = upstream_at(name, NOW);
    const attempts = new_attempts();
    attempts.tried.add(server_of(upstream, A));
    expect(choose(upstream, attempts, NOW)[0]?.server).equal(A);
  });
});

describe("a request that is bound to a server", () => {
  const sticky = { route: { variables: ["$arg_route"] } };

  it("goes to that server while it is available, and to another one otherwise", () => {
    put(name, { sticky }, [
      { server: A, route: "a" },
      { server: B, route: "b" },
    ]);
    nginx.variables.arg_route = "b";
    expect(choose_several(name, 3)).same([B, B, B]);
    make_unavailable(server_of(upstream_at(name, NOW), B));
    expect(choose_several(name, 2)).same([A, A]);
  });

  it("goes to a draining server, but not to one that is down", () => {
    put(name, { sticky }, [{ server: A }, { server: B, route: "b", drain: true }]);
    nginx.variables.arg_route = "b";
    expect(choose_several(name, 2)).same([B, B]);
    put(name, { sticky }, [{ server: A }, { server: B, route: "b", down: true }]);
    expect(choose_several(name, 2)).same([A, A]);
  });

  it("goes to a backup server only if no primary server is available", () => {
    put(name, { sticky }, [
      { server: A },
      { server: B, backup: true },
      { server: C, route: "c", backup: true },
    ]);
    nginx.variables.arg_route = "c";
    expect(choose_several(name, 1)).same([A]);
    make_unavailable(server_of(upstream_at(name, NOW), A));
    expect(choose_several(name, 2)).same([C, C]);
  });
});

describe("a choice", () => {
  it("tells whether the request lacks the key of the method", () => {
    put(name, { method: "hash", hash: { key: "$arg_key" } }, [{ server: A }]);
    expect(choose(upstream_at(name, NOW), undefined, NOW)[1]).equal(true);
    nginx.variables.arg_key = "";
    expect(choose(upstream_at(name, NOW), undefined, NOW)[1]).equal(true);
    nginx.variables.arg_key = "k";
    expect(choose(upstream_at(name, NOW), undefined, NOW)[1]).equal(false);
    put(name, {}, [{ server: A }]);
    expect(choose(upstream_at(name, NOW), undefined, NOW)[1]).equal(false);
  });

  it("can be predicted without being made", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    const upstream = upstream_at(name, NOW);
    const foreseen = foresee(upstream, undefined, NOW)?.server;
    expect(foresee(upstream, undefined, NOW)?.server).equal(foreseen);
    expect(shared_memory()[upstream[Own.ACTIVE]]).equal(0);
    expect(choose_several(name, 1)).same([foreseen]);
  });

  it("excludes a server that waits for its first check, even while health is ignored", () => {
    put(name, { panic_threshold: 100 }, [{ server: A }, { server: B }]);
    const checking = server_of(upstream_at(name, NOW), A);
    const upstream = upstream_at(name, NOW);
    upstream.panics = true;
    make_unavailable(server_of(upstream, B));
    make_unavailable(checking);
    shared_memory()[checking.row + Row.STATE] = State.CHECKING;
    expect(choose_several(name, 2)).same([B, B]);
  });

  it("is no longer valid after its server was deleted or has become unavailable", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    const upstream = upstream_at(name, NOW);
    const [first, second] = [server_of(upstream, A), server_of(upstream, B)];
    expect(is_still_available(upstream, first, NOW)).equal(true);
    make_unavailable(first);
    expect(is_still_available(upstream, first, NOW)).equal(false);
    put(name, {}, [{ server: A }]);
    expect(is_still_available(upstream_at(name, NOW), second, NOW)).equal(false);
  });
});
