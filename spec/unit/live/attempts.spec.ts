import "../support/nginx_stub";

import {
  add_tried,
  count_tried,
  find_attempts,
  forget_attempts,
  keep_several,
  redirect,
} from "../../../src/resty/sluice/live/attempts";
import { expect } from "../support/expect";
import { A, put, server_of, start_worker, upstream_at } from "../support/live_worker";

const KEY = 4096;
const OTHER_KEY = 8192;

let name = "";

before_each(() => {
  name = start_worker();
  put(name, {}, [{ server: A }]);
});

describe("the requests in progress", () => {
  it("have a record from the second attempt until they end", () => {
    const server = server_of(upstream_at(name, 1), A);
    const attempts = keep_several(KEY, server);
    expect(attempts.server).equal(server);
    expect(find_attempts(KEY)).equal(attempts);
    const other = keep_several(OTHER_KEY, undefined);
    forget_attempts(KEY);
    expect(find_attempts(KEY)).equal(undefined);
    expect(find_attempts(OTHER_KEY)).equal(other);
    forget_attempts(OTHER_KEY);
    expect(find_attempts(OTHER_KEY)).equal(undefined);
  });

  it("count their tries from the start after an internal redirect", () => {
    const server = server_of(upstream_at(name, 1), A);
    const attempts = keep_several(KEY, undefined);
    add_tried(attempts, server);
    attempts.free = 1;
    expect(count_tried(attempts)).equal(1);
    expect(attempts.tried.has(server)).equal(true);
    redirect(attempts);
    expect(count_tried(attempts)).equal(0);
    expect(attempts.tried.has(server)).equal(false);
    expect(attempts.free).equal(0);
    expect(attempts.servers).same([server]);
    forget_attempts(KEY);
  });
});
