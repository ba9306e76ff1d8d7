import "../support/nginx_stub";

import { use_zone } from "../../../src/resty/sluice/live/view/zone";
import { utilization_of } from "../../../src/resty/sluice/live/view/utilization";
import { survey } from "../../../src/resty/sluice/live/view/availability";
import { Row } from "../../../src/resty/sluice/store/memory/cells";
import { use_rare_cells } from "../../../src/resty/sluice/store/memory/rare_cells";
import { shared_memory } from "../../../src/resty/sluice/store/memory/region";
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
  use_zone("eu-1a");
});

after_each(() => {
  use_zone(undefined);
});

const LOCAL = { server: A, zone: "eu-1a" };
const OTHER = { server: B, zone: "eu-1b" };

describe("an upstream with zones", () => {
  it("prefers local servers, and forgets them when zones are switched off", () => {
    put(name, { zones: {} }, [LOCAL, OTHER, { server: C }]);
    expect(choose_several(name, 3)).same([A, A, A]);
    for (const settings of [{ zones: { prefer: false } }, {}]) {
      put(name, settings, [LOCAL, OTHER, { server: C }]);
      expect(upstream_at(name, NOW).zones).equal(undefined);
      const chosen = choose_several(name, 3);
      table.sort(chosen);
      expect(chosen).same([A, B, C]);
    }
    put(name, { zones: { min_servers: 1 } }, [LOCAL, OTHER]);
    expect(choose_several(name, 3)).same([A, A, A]);
    put(name, { zones: { min_servers: 2 } }, [LOCAL, OTHER]);
    expect(upstream_at(name, NOW).zones?.primary.is_in_effect()).equal(false);
  });

  it("is balanced as usual if the gateway has no zone", () => {
    use_zone(undefined);
    put(name, { zones: {} }, [LOCAL, OTHER]);
    const chosen = choose_several(name, 4);
    table.sort(chosen);
    expect(chosen).same([A, A, B, B]);
  });

  it("keeps a server whose zone changes, and gives it the requests of the new zone", () => {
    put(name, { zones: {} }, [LOCAL, OTHER]);
    const before = server_of(upstream_at(name, NOW), B);
    expect(choose_several(name, 2)).same([A, A]);
    put(name, { zones: {} }, [
      { ...LOCAL, zone: "eu-1b" },
      { ...OTHER, zone: "eu-1a" },
    ]);
    expect(choose_several(name, 2)).same([B, B]);
    expect(server_of(upstream_at(name, NOW), B) === before).equal(true);
  });

  it("has a zone for a server that changes without zones, too", () => {
    put(name, {}, [LOCAL, OTHER]);
    upstream_at(name, NOW);
    put(name, {}, [LOCAL, { ...OTHER, zone: "eu-1a" }]);
    expect(server_of(upstream_at(name, NOW), B).zone).equal("eu-1a");
  });

  it("prefers local backup servers as well", () => {
    put(name, { zones: {} }, [
      { server: A, zone: "eu-1a" },
      { server: B, zone: "eu-1b", backup: true },
      { server: C, zone: "eu-1a", backup: true },
    ]);
    shared_memory()[server_of(upstream_at(name, NOW), A).row + Row.UNAVAILABLE_UNTIL] = math.huge;
    expect(choose_several(name, 3)).same([C, C, C]);
  });

  it("follows the states of servers with a survey", () => {
    put(name, { zones: {} }, [LOCAL, OTHER]);
    const upstream = upstream_at(name, NOW);
    expect(choose_several(name, 1)).same([A]);
    shared_memory()[server_of(upstream, A).row + Row.UNAVAILABLE_UNTIL] = math.huge;
    survey(upstream, NOW);
    expect(upstream.zones?.primary.zones.get("eu-1a")?.load.share).equal(0);
    expect(choose_several(name, 2)).same([B, B]);
  });

  it("reads reports in responses", () => {
    put(name, { zones: {} }, [LOCAL]);
    expect(upstream_at(name, NOW).wants_reports).equal(true);
    put(name, { zones: { prefer: false } }, [LOCAL]);
    expect(upstream_at(name, NOW).wants_reports).equal(false);
  });
});

describe("the utilization of a server", () => {
  it("is the larger one of the fresh report and of its requests by max_conns", () => {
    put(name, {}, [{ server: A }]);
    const { row } = server_of(upstream_at(name, NOW), A);
    const memory = shared_memory();
    use_rare_cells(row);
    expect(utilization_of(row, 5, 0, 10, NOW)).equal(-1);
    expect(utilization_of(row, 5, 10, 10, NOW)).equal(0.5);
    expect(utilization_of(row, 50, 10, 10, NOW)).equal(1);
    memory[row + Row.UTILIZATION] = 0.7;
    memory[row + Row.REPORTED_AT] = NOW - 10;
    expect(utilization_of(row, 5, 0, 10, NOW)).equal(0.7);
    expect(utilization_of(row, 9, 10, 10, NOW)).equal(0.9);
    expect(utilization_of(row, 5, 10, 10, NOW)).equal(0.7);
    expect(utilization_of(row, 5, 10, 10, NOW + 1)).equal(0.5);
    expect(utilization_of(row, 5, 0, 10, NOW + 1)).equal(-1);
    memory[row + Row.UTILIZATION] = 3;
    expect(utilization_of(row, 5, 0, 10, NOW)).equal(1);
  });
});
