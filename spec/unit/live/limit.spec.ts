import "../support/nginx_stub";

import { follow_limits } from "../../../src/resty/sluice/live/view/limit";
import { Own } from "../../../src/resty/sluice/live/view/model";
import { Row } from "../../../src/resty/sluice/store/memory/cells";
import { use_rare_cells } from "../../../src/resty/sluice/store/memory/rare_cells";
import { shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";
import { A, B, NOW, put, server_of, start_worker, upstream_at } from "../support/live_worker";

let name = "";

before_each(() => {
  name = start_worker();
});

function limit_of(address: string): number {
  return server_of(upstream_at(name, NOW), address)[Own.MAX_CONNS];
}

/** Sets what the control has found. */
function find(address: string, limit: number): void {
  const { row } = server_of(upstream_at(name, NOW), address);
  use_rare_cells(row);
  shared_memory()[row + Row.LIMIT] = limit;
}

const ADAPTIVE = { server: A, max_conns: "adaptive" as const };

describe("the adaptive limit of a server in a worker", () => {
  it("is the first one, and then follows what was found", () => {
    put(name, {}, [ADAPTIVE, { server: B, max_conns: 3 }]);
    expect([limit_of(A), limit_of(B)]).same([20, 3]);
    find(A, 12);
    find(B, 12);
    follow_limits();
    expect([limit_of(A), limit_of(B)]).same([12, 3]);
  });

  it("keeps to new bounds at once, without another look", () => {
    put(name, {}, [ADAPTIVE]);
    expect(limit_of(A)).equal(20);
    put(name, { adaptive_limit: { max: 5 } }, [ADAPTIVE]);
    expect(limit_of(A)).equal(5);
    put(name, { adaptive_limit: { min: 30 } }, [ADAPTIVE]);
    expect(limit_of(A)).equal(30);
    put(name, {}, [ADAPTIVE]);
    expect(limit_of(A)).equal(20);
  });

  it("is no longer followed after a change to a number, and is again after the way back", () => {
    put(name, {}, [ADAPTIVE]);
    find(A, 12);
    put(name, {}, [{ server: A, max_conns: 7 }]);
    expect(limit_of(A)).equal(7);
    follow_limits();
    expect(limit_of(A)).equal(7);
    put(name, {}, [ADAPTIVE]);
    expect(limit_of(A)).equal(12);
    find(A, 9);
    follow_limits();
    expect(limit_of(A)).equal(9);
  });
});
