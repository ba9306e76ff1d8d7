import "../support/nginx_stub";

import { method_of } from "../../../src/resty/sluice/live/view/method_of";
import { Measure } from "../../../src/resty/sluice/live/view/model";
import { kernel_now } from "../../../src/resty/sluice/lib/clock";
import { parse_document } from "../../../src/resty/sluice/store/document/document";
import { parse_line } from "../../../src/resty/sluice/store/document/line";
import { Row } from "../../../src/resty/sluice/store/memory/cells";
import { Header } from "../../../src/resty/sluice/store/memory/header_cells";
import { State } from "../../../src/resty/sluice/store/memory/states";
import { get_text } from "../../../src/resty/sluice/store/memory/dict";
import { row_at, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";
import {
  A,
  B,
  C,
  choose_several,
  NOW,
  put,
  server_of,
  start_worker,
  upstream_at,
} from "../support/live_worker";

let name = "";

before_each(() => {
  name = start_worker();
});

/** Returns the addresses that several requests choose, in order of the addresses. */
function chosen(requests: number): string[] {
  const addresses = choose_several(name, requests);
  table.sort(addresses);
  return addresses;
}

describe("a deleted server", () => {
  it("receives no further request", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    expect(chosen(4)).same([A, A, B, B]);
    put(name, {}, [{ server: B }]);
    expect(chosen(4)).same([B, B, B, B]);
    expect(upstream_at(name, NOW).size).equal(1);
    expect(upstream_at(name, NOW).in_rotation).equal(1);
  });

  it("is a new server when its address is added again", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    const before = server_of(upstream_at(name, NOW), A);
    put(name, {}, [{ server: B }]);
    put(name, {}, [{ server: B }, { server: A }]);
    const after = server_of(upstream_at(name, NOW), A);
    expect(after === before).equal(false);
    expect(after.incarnation > before.incarnation).equal(true);
  });
});

describe("a server that is kept in a change", () => {
  it("receives its share by the new weight", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    upstream_at(name, NOW);
    put(name, {}, [{ server: A, weight: 3 }, { server: B }]);
    expect(chosen(8)).same([A, A, A, A, A, A, B, B]);
  });

  for (const out of [{ drain: true }, { down: true }]) {
    const [parameter] = next(out);
    it(`receives no request while "${parameter}" is set`, () => {
      put(name, {}, [{ server: A }, { server: B }]);
      upstream_at(name, NOW);
      put(name, {}, [{ server: A, ...out }, { server: B }]);
      expect(chosen(2)).same([B, B]);
      expect(upstream_at(name, NOW).in_rotation).equal(1);
      expect(upstream_at(name, NOW).size).equal(2);
      put(name, {}, [{ server: A }, { server: B }]);
      expect(chosen(2)).same([A, B]);
    });
  }

  it("becomes a backup server, and a primary server again", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    upstream_at(name, NOW);
    put(name, {}, [{ server: A, backup: true }, { server: B }]);
    expect(chosen(3)).same([B, B, B]);
    put(name, {}, [{ server: A }, { server: B }]);
    expect(chosen(2)).same([A, B]);
    expect(upstream_at(name, NOW).size).equal(2);
  });

  it("has the state that the writer has concluded, and a worker that follows concludes nothing", () => {
    put(name, { outlier_detection: {} }, [{ server: A, max_fails: 5 }, { server: B }]);
    const server = server_of(upstream_at(name, NOW), A);
    const memory = shared_memory();
    const until = kernel_now() + 60;
    memory[server.row + Row.FAILS] = 2;
    memory[server.row + Row.EJECTED_UNTIL] = until;
    memory[server.row + Row.STATE] = State.UNAVAIL;
    memory[server.row + Row.UNAVAILABLE_UNTIL] = until;
    put(name, {}, [{ server: A, max_fails: 0 }, { server: B }]);
    expect(memory[server.row + Row.STATE]).equal(State.UP);
    // A worker that concluded would now find another state.
    memory[server.row + Row.EJECTED_UNTIL] = until;
    const revision = memory[Header.HEALTH_REVISION];
    expect(upstream_at(name, NOW).outlier_limits).equal(undefined);
    expect(memory[server.row + Row.STATE]).equal(State.UP);
    expect(memory[server.row + Row.EJECTED_UNTIL]).equal(until);
    expect(memory[Header.HEALTH_REVISION]).equal(revision);
  });
});

describe("a worker that serves an upstream for the first time", () => {
  it("follows the health of its servers and concludes nothing", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    const memory = shared_memory();
    const [first] = parse_document(get_text(name) ?? "").lines;
    const row = row_at(parse_line(first).row);
    memory[row + Row.FAILS] = 1;
    memory[row + Row.UNAVAILABLE_UNTIL] = NOW + 60;
    const revision = memory[Header.HEALTH_REVISION];
    expect(chosen(2)).same([B, B]);
    expect(memory[row + Row.UNAVAILABLE_UNTIL]).equal(NOW + 60);
    expect(memory[Header.HEALTH_REVISION]).equal(revision);
  });
});

describe("the settings of an upstream", () => {
  it("have their defaults without any option", () => {
    put(name, {}, [{ server: A }]);
    const upstream = upstream_at(name, NOW);
    expect(upstream.tries).equal(10);
    expect(upstream.measure).equal(Measure.NONE);
    expect(upstream.panic_threshold).equal(0);
    expect(upstream.follows_load).equal(false);
    expect(upstream.report_expiry).equal(180);
    for (const option of ["retry_limits", "queue", "outlier_limits", "sticky", "read_key"] as const)
      expect(upstream[option]).equal(undefined);
  });

  it("change without a change of the servers", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    const upstream = upstream_at(name, NOW);
    const server = server_of(upstream, A);
    put(name, { method: "least_time", least_time: { measure: "last_byte" }, queue: { size: 7 } }, [
      { server: A },
      { server: B },
    ]);
    expect(upstream_at(name, NOW)).equal(upstream);
    expect(upstream.measure).equal(Measure.LAST_BYTE);
    expect(upstream.queue?.size).equal(7);
    expect(server_of(upstream, A)).equal(server);
    expect(method_of(server)).equal(upstream.primary);
    expect(chosen(2).length).equal(2);
  });

  it("keep the position of round robin when another option changes", () => {
    put(name, {}, [{ server: A }, { server: B }, { server: C }]);
    const before = chosen(1)[0];
    put(name, { panic_threshold: 10 }, [{ server: A }, { server: B }, { server: C }]);
    const both = [before, ...chosen(2)];
    table.sort(both);
    expect(both).same([A, B, C]);
  });
});
