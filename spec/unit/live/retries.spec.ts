import "../support/nginx_stub";

import { add_tried, new_attempts } from "../../../src/resty/sluice/live/attempts";
import { choose } from "../../../src/resty/sluice/live/choice";
import { balance } from "../../../src/resty/sluice/live/phases";
import { count_retry, is_late, take_budget, uncount_retry } from "../../../src/resty/sluice/live/retries";
import { allow_tries } from "../../../src/resty/sluice/live/tries";
import { Own } from "../../../src/resty/sluice/live/view/model";
import { begun_of, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";
import {
  NOW,
  put,
  send_from_other_worker,
  server_of,
  start_worker,
  upstream_at,
} from "../support/live_worker";
import { begin_request, nginx } from "../support/nginx_stub";

let name = "";

before_each(() => {
  name = start_worker();
});

function servers(count: number): { server: string }[] {
  const list: { server: string }[] = [];
  for (const index of $range(1, count)) list.push({ server: `10.0.0.${index}:80` });
  return list;
}

/** Returns the number of tries that nginx is allowed for a request, including the first. */
function tries_of_request(): number {
  begin_request();
  const upstream = upstream_at(name, NOW);
  const [server] = choose(upstream, undefined, NOW);
  if (server !== undefined) allow_tries(upstream.in_rotation, server);
  return 1 + nginx.more_tries;
}

describe("the tries of a request", () => {
  it("equal the number of servers in rotation, up to ten", () => {
    put(name, {}, servers(3));
    expect(tries_of_request()).equal(3);
    put(name, {}, [...servers(3), { server: "10.0.1.1:80", drain: true }]);
    expect(tries_of_request()).equal(3);
    put(name, {}, servers(12));
    expect(tries_of_request()).equal(10);
    put(name, {}, servers(1));
    expect(tries_of_request()).equal(1);
  });

  it("are at most retries.tries", () => {
    put(name, { retries: { tries: 2 } }, servers(5));
    expect(tries_of_request()).equal(2);
    put(name, { retries: { tries: 1 } }, servers(5));
    expect(tries_of_request()).equal(1);
  });
});

describe("the time for retries", () => {
  it("begins with the first attempt and ends after retries.timeout", () => {
    put(name, { retries: { timeout: "2s" } }, servers(3));
    const upstream = upstream_at(name, NOW);
    const attempts = new_attempts();
    add_tried(attempts, server_of(upstream, "10.0.0.1:80"));
    // The first attempt took 1.5 s. The value ends with the attempt that nginx has just begun.
    nginx.variables.upstream_response_time = "1.500 : ";
    expect(is_late(upstream, attempts, NOW)).equal(false);
    add_tried(attempts, server_of(upstream, "10.0.0.2:80"));
    expect(is_late(upstream, attempts, NOW + 0.4)).equal(false);
    expect(is_late(upstream, attempts, NOW + 0.5)).equal(true);
  });

  it("is unlimited without retries.timeout", () => {
    put(name, {}, servers(3));
    expect(is_late(upstream_at(name, NOW), new_attempts(), NOW + 1e6)).equal(false);
  });
});

describe("the budget of retries", () => {
  const retries = { budget: { percent: 20, min_concurrent: 2 } };

  it("allows min_concurrent retries at a time however few requests there are", () => {
    put(name, { retries }, servers(3));
    const upstream = upstream_at(name, NOW);
    const requests = [new_attempts(), new_attempts(), new_attempts()];
    expect(take_budget(upstream, requests[0])).equal(true);
    expect(take_budget(upstream, requests[1])).equal(true);
    expect(take_budget(upstream, requests[2])).equal(false);
    uncount_retry(requests[0]);
    expect(take_budget(upstream, requests[2])).equal(true);
  });

  it("allows percent of the requests in progress at all workers", () => {
    put(name, { retries }, servers(3));
    const upstream = upstream_at(name, NOW);
    send_from_other_worker(server_of(upstream, "10.0.0.1:80"), 23);
    let allowed = 0;
    while (allowed < 20 && take_budget(upstream, new_attempts())) allowed += 1;
    // With 4 retries, 20 of the 23 requests in progress are not retries: the fourth is at no server yet.
    expect(allowed).equal(4);
  });

  it("counts a request once, whatever the number of its tries", () => {
    put(name, { retries }, servers(3));
    const upstream = upstream_at(name, NOW);
    const attempts = new_attempts();
    for (const _ of $range(1, 5)) {
      expect(take_budget(upstream, attempts)).equal(true);
      count_retry(upstream, attempts);
    }
    expect(shared_memory()[begun_of(upstream[Own.ACTIVE])]).equal(1);
    uncount_retry(attempts);
    uncount_retry(attempts);
    expect(shared_memory()[begun_of(upstream[Own.ACTIVE])]).equal(0);
  });

  it("ends a request for which it does not allow another try", () => {
    put(name, { retries: { budget: { percent: 0, min_concurrent: 0 } } }, servers(2));
    begin_request();
    balance(name);
    nginx.failure = "failed";
    nginx.status = 502;
    nginx.peer = undefined;
    nginx.variables.upstream_addr = "10.0.0.1:80 : ";
    balance(name);
    expect(nginx.peer).equal(undefined);
    expect(nginx.exit).equal(-3);
    expect(shared_memory()[begun_of(upstream_at(name, NOW)[Own.ACTIVE])]).equal(0);
  });
});
