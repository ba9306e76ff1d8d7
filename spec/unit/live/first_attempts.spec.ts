import "../support/nginx_stub";

import { cast, type CData } from "ffi";

import { first_server, forget_first, keep_first } from "../../../src/resty/sluice/live/first_attempts";
import type { LiveServer } from "../../../src/resty/sluice/live/view/model";
import { has_unusual } from "../../../src/resty/sluice/live/view/unusual";
import { expect } from "../support/expect";
import { A, B, put, server_of, start_worker, upstream_at } from "../support/live_worker";

/** Requests whose addresses differ by this have the same place. */
const SAME_PLACE = 16 * 1024;

function request_at(address: number): CData {
  return cast("void *", address);
}

let one: LiveServer;
let other: LiveServer;

before_each(() => {
  const name = start_worker();
  put(name, {}, [{ server: A }, { server: B }]);
  const upstream = upstream_at(name, 1);
  one = server_of(upstream, A);
  other = server_of(upstream, B);
});

describe("requests at their first attempt", () => {
  it("have a server until they are forgotten", () => {
    const request = request_at(4096);
    expect(first_server(request)).equal(undefined);
    keep_first(request, one);
    expect(first_server(request)).equal(one);
    expect(first_server(request_at(4096 + 16))).equal(undefined);
    expect(has_unusual()).equal(false);
    forget_first(request);
    expect(first_server(request)).equal(undefined);
  });

  it("have their own servers if they would have the same place, whichever ends first", () => {
    const [early, late] = [request_at(4096), request_at(4096 + SAME_PLACE)];
    keep_first(early, one);
    expect(first_server(late)).equal(undefined);
    keep_first(late, other);
    expect(first_server(early)).equal(one);
    expect(first_server(late)).equal(other);
    expect(has_unusual()).equal(true);
    forget_first(early);
    expect(first_server(early)).equal(undefined);
    expect(first_server(late)).equal(other);
    forget_first(late);
    expect(first_server(late)).equal(undefined);
    expect(has_unusual()).equal(false);
    keep_first(late, one);
    expect(has_unusual()).equal(false);
    forget_first(late);
  });
});
