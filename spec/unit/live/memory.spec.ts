import "../support/nginx_stub";

import { use_slot } from "../../../src/resty/sluice/live/view/counters";
import type { LiveUpstream } from "../../../src/resty/sluice/live/view/model";
import { use_loads } from "../../../src/resty/sluice/live/view/surroundings";
import { apply_document, new_upstream } from "../../../src/resty/sluice/live/view/upstream";
import type { Document } from "../../../src/resty/sluice/store/document/document";
import type { RowNumber } from "../../../src/resty/sluice/store/memory/cells";
import { create, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";

const SERVERS = 10;
const UPSTREAMS = 1000;

function in_service(this: void): boolean {
  return true;
}

/** Serves an upstream: each of its servers is chosen once. */
function serve(number: number, method: string): LiveUpstream {
  const first = number * (SERVERS + 1) + 1;
  const row = first as RowNumber;
  const document = { method, revision: 1, row, lines: [] } as unknown as Document;
  const lines: string[] = [];
  for (const id of $range(1, SERVERS)) {
    lines.push(string.format('%d %d %d {"server":"127.0.0.1:%d"}\n', id, number + 1, first + id, 8000 + id));
  }
  const upstream = new_upstream(`u${number}`, document);
  apply_document(upstream, document, table.concat(lines), 1);
  for (const _ of $range(1, SERVERS)) upstream.primary.pick(in_service, undefined);
  return upstream;
}

/** Returns the Lua memory of a served server in bytes, with its part of its upstream. */
function bytes_of(method: string): number {
  create((UPSTREAMS + 1) * (SERVERS + 1) + 1, 1);
  use_slot(shared_memory(), 1);
  use_loads(shared_memory());
  const served = new LuaTable<number, LiveUpstream>();
  const warm = serve(0, method);
  for (const number of $range(1, UPSTREAMS)) served.set(number, warm);
  collectgarbage();
  collectgarbage();
  const before = collectgarbage("count");
  for (const number of $range(1, UPSTREAMS)) served.set(number, serve(number, method));
  collectgarbage();
  collectgarbage();
  return ((collectgarbage("count") - before) * 1024) / (UPSTREAMS * SERVERS);
}

describe("the Lua memory of a served server", () => {
  it("is at most 950 bytes with round robin and ten servers", () => {
    expect(bytes_of("round_robin") <= 950).equal(true);
  });

  it("is at most 1,200 bytes with least_conn and least_time, and ten servers", () => {
    expect(bytes_of("least_conn") <= 1200).equal(true);
    expect(bytes_of("least_time") <= 1200).equal(true);
  });

  it("is at most 1,800 bytes with least_load and ten servers", () => {
    expect(bytes_of("least_load") <= 1800).equal(true);
  });
});
