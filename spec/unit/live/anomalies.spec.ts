import "../support/nginx_stub";

import * as clock from "../../../src/resty/sluice/lib/clock";
import { find_anomalies } from "../../../src/resty/sluice/live/view/anomalies";
import { compare_servers } from "../../../src/resty/sluice/live/view/comparison";
import { Row, UpstreamRow } from "../../../src/resty/sluice/store/memory/cells";
import { Header } from "../../../src/resty/sluice/store/memory/header_cells";
import { get_events, remember } from "../../../src/resty/sluice/store/memory/dict";
import { report_ejection } from "../../../src/resty/sluice/store/memory/outlier";
import { shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";
import { A, B, C, NOW, put, server_of, start_worker, upstream_at } from "../support/live_worker";

let name = "";

before_each(() => {
  name = start_worker();
  remember("last_event", 0);
});

describe("a worker whose view is old", () => {
  it("changes nothing in rows that have become those of others", () => {
    const outlier_detection = { mode: "detect", interval: "1s", success_rate_minimum_hosts: 3 };
    put(name, { outlier_detection }, [{ server: A }, { server: B }, { server: C }]);
    const upstream = upstream_at(name, NOW);
    const memory = shared_memory();
    const { row } = server_of(upstream, A);
    memory[row + Row.STAMP] = memory[row + Row.STAMP] + 1;
    memory[row + Row.JUDGED_RESPONSES] = 7;
    // The row of an upstream whose servers may be ejected.
    memory[row + UpstreamRow.EJECTS] = 1;
    for (const now of [NOW + 100, NOW + 102]) {
      find_anomalies(upstream, now);
      compare_servers(upstream, now);
    }
    expect(memory[row + Row.JUDGED_RESPONSES]).equal(7);
    expect(memory[row + UpstreamRow.EJECTS]).equal(1);
  });
});

describe("an ejection that is only reported", () => {
  it("is reported once for its time, and does not have the health saved again and again", () => {
    put(name, { outlier_detection: { mode: "detect" } }, [{ server: A }]);
    const server = server_of(upstream_at(name, NOW), A);
    const memory = shared_memory();
    const now = clock.now();
    const before = get_events().length;
    report_ejection(server, now, 30, "failed");
    const revision = memory[Header.HEALTH_REVISION];
    for (const later of [0, 1, 29]) report_ejection(server, now + later, 30, "failed");
    expect(get_events().length).equal(before + 1);
    expect(memory[Header.HEALTH_REVISION]).equal(revision);
    report_ejection(server, now + 31, 30, "failed");
    expect(get_events().length).equal(before + 2);
    expect(memory[server.row + Row.ANOMALIES]).equal(2);
  });
});
