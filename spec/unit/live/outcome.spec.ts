import "../support/nginx_stub";

import { balance, log } from "../../../src/resty/sluice/live/phases";
import { type LiveServer, Own } from "../../../src/resty/sluice/live/view/model";
import { Row } from "../../../src/resty/sluice/store/memory/cells";
import { row_number_of, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { status_of, type ServerStatus } from "../../../src/resty/sluice/store/memory/statistics";
import { add_times, new_times, type Times } from "../../../src/resty/sluice/store/memory/times";
import { expect } from "../support/expect";
import {
  A,
  B,
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

/** Begins a request to the upstream. Returns the address of its server. */
function begin(): string | undefined {
  begin_request();
  balance(name);
  return nginx.peer;
}

/** Fails the present attempt, and begins the next one. Returns the address of its server. */
function retry(status: number): string | undefined {
  nginx.failure = "failed";
  nginx.status = status;
  nginx.peer = undefined;
  nginx.variables.upstream_addr = `${A} : `;
  balance(name);
  return nginx.peer;
}

/** Ends the request with the values that nginx reports for its attempts, in order. */
function end(addresses: string, statuses: string, header_times: string): void {
  const bytes = string.gsub(statuses, "%d+", "7")[0];
  nginx.variables.upstream_addr = addresses;
  nginx.variables.upstream_status = statuses;
  nginx.variables.upstream_header_time = header_times;
  nginx.variables.upstream_response_time = string.gsub(header_times, "-", "0.000")[0];
  nginx.variables.upstream_bytes_sent = bytes;
  nginx.variables.upstream_bytes_received = bytes;
  log();
}

function server(address: string): LiveServer {
  return server_of(upstream_at(name, NOW), address);
}

function status(address: string): ServerStatus {
  const { row, incarnation } = server(address);
  return status_of(row_number_of(row), incarnation);
}

function times(address: string): Times {
  const { row, incarnation } = server(address);
  const all = new_times();
  add_times(all, row_number_of(row), incarnation);
  return all;
}

function fails(address: string): number {
  return shared_memory()[server(address).row + Row.FAILS];
}

describe("a request with one attempt", () => {
  it("is counted with its status and its bytes, and is no longer in progress", () => {
    put(name, {}, [{ server: A }]);
    expect(begin()).equal(A);
    expect(status(A).active).equal(1);
    nginx.variables.upstream_status = "201";
    nginx.variables.upstream_bytes_sent = "10";
    nginx.variables.upstream_bytes_received = "200";
    nginx.variables.upstream_header_time = "0.004";
    nginx.variables.upstream_response_time = "0.006";
    log();
    const { active, requests, sent, received, codes, header_time, response_time, ...others } = status(A);
    expect({ active, requests, sent, received }).same({ active: 0, requests: 1, sent: 10, received: 200 });
    expect(codes.get(201)).equal(1);
    expect(header_time).equal(4);
    expect(response_time).equal(6);
    expect(others.fails).equal(0);
  });

  it("counts as a failure when the server gave no response", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    begin();
    const address = nginx.peer ?? "";
    end(address, "502", "-");
    expect(status(address).fails).equal(1);
    expect(status(address).unanswered).equal(1);
    expect(fails(address)).equal(1);
  });

  it("does not count as a failure when the server itself answers 502", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    const address = begin() ?? "";
    end(address, "502", "0.001");
    expect(status(address).fails).equal(0);
    expect(status(address).codes.get(502)).equal(1);
    expect(fails(address)).equal(0);
  });

  it("is not counted again by a second call of log()", () => {
    put(name, {}, [{ server: A }]);
    begin();
    end(A, "200", "0.001");
    log();
    expect(status(A).requests).equal(1);
    expect(status(A).active).equal(0);
    expect(status(A).codes.get(200)).equal(1);
  });

  it("to a server that was deleted meanwhile does not change the counters of the row's next server", () => {
    put(name, {}, [{ server: A }]);
    begin();
    const deleted = server(A);
    put(name, {}, [{ server: B }]);
    upstream_at(name, NOW);
    const memory = shared_memory();
    memory[deleted[Own.STAMP]] = deleted.incarnation + 1;
    memory[deleted.row + Row.STAMP] = deleted.incarnation + 1;
    end(A, "200", "0.001");
    expect(memory[deleted[Own.ACTIVE]]).equal(0);
    const next = status_of(row_number_of(deleted.row), deleted.incarnation + 1);
    expect(next.codes.get(200)).equal(undefined);
    expect(next.received).equal(0);
  });
});

describe("the histograms of times", () => {
  it("count the attempts of a request, except those without a response", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    const first = begin() ?? "";
    const second = retry(504) ?? "";
    end(`${first}, ${second}`, "504, 200", "-, 0.012");
    expect(times(first).count).equal(0);
    expect(times(second).count).equal(1);
    // The bucket above 10 ms and up to 15 ms.
    expect(times(second).header[6]).equal(1);
    expect(times(second).header_sum).equal(12);
  });

  it("count all responses of a busy server by the times of one in eight", () => {
    put(name, {}, [{ server: A }]);
    for (const request of $range(1, 17)) {
      begin();
      end(A, "200", request <= 9 ? "0.001" : "0.010");
    }
    // The first response, the eight up to the ninth, and the eight up to the last one.
    expect(times(A).count).equal(17);
    expect(times(A).header[0]).equal(9);
    expect(times(A).header[5]).equal(8);
  });

  it("count for least_time with each response, and in the histograms with one in eight", () => {
    put(name, { method: "least_time", least_time: { measure: "last_byte" } }, [{ server: A }]);
    for (const time of [0.1, 0.2, 0.4]) {
      begin();
      end(A, "200", string.format("%.3f", time));
    }
    expect(times(A).count).equal(1);
    const mean = (100 * 0.95 + 200 * 0.05) * 0.95 + 400 * 0.05;
    expect(math.abs(shared_memory()[server(A).row + Row.EXPECTED_TIME] - mean) < 0.001).equal(true);
  });
});

describe("a request with several attempts", () => {
  it("counts each attempt at its own server, and each failure once", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    const first = begin() ?? "";
    const second = retry(502) ?? "";
    expect(second === first).equal(false);
    expect(fails(first)).equal(1);
    expect(status(first).active).equal(0);
    end(`${first}, ${second}`, "502, 200", "-, 0.002");
    expect(fails(first)).equal(1);
    expect(fails(second)).equal(0);
    expect(status(first).fails).equal(1);
    expect(status(first).unanswered).equal(1);
    expect(status(second).codes.get(200)).equal(1);
    expect(status(second).active).equal(0);
  });

  it("reports the failure of the last attempt when the request ends", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    const first = begin() ?? "";
    const second = retry(504) ?? "";
    expect(fails(second)).equal(0);
    end(`${first}, ${second}`, "504, 502", "-, -");
    expect(fails(first)).equal(1);
    expect(fails(second)).equal(1);
    expect(status(second).fails).equal(1);
  });

  it("ends with 502 when no server is left", () => {
    put(name, {}, [{ server: A }, { server: B }]);
    begin();
    retry(502);
    expect(retry(502)).equal(undefined);
    expect(nginx.exit).equal(-3);
    expect(status(A).active + status(B).active).equal(0);
    end(`${A}, ${B}, ${name}`, "502, 502, 502", "-, -, -");
    expect(status(A).fails + status(B).fails).equal(2);
  });

  it("never makes the only server of an upstream unavailable", () => {
    put(name, {}, [{ server: A }]);
    begin();
    end(A, "502", "-");
    expect(status(A).fails).equal(1);
    expect(fails(A)).equal(0);
  });
});

describe("the requests in flight at a response, for least_load", () => {
  function requests_at(address: string): number {
    return shared_memory()[server(address).row + Row.EXPECTED_REQUESTS];
  }

  it("are the others but one, when there was one attempt", () => {
    put(name, { method: "least_load" }, [{ server: A }]);
    send_from_other_worker(server(A), 3);
    begin();
    end(A, "200", "0.100");
    expect(requests_at(A)).equal(2);
  });

  it("are the others but one, of each of several attempts that were answered", () => {
    put(name, { method: "least_load" }, [{ server: A }, { server: B }]);
    send_from_other_worker(server(A), 3);
    send_from_other_worker(server(B), 3);
    const first = begin() ?? "";
    const second = retry(429) ?? "";
    expect(second === first).equal(false);
    end(`${first}, ${second}`, "429, 200", "0.050, 0.100");
    expect(requests_at(first)).equal(2);
    expect(requests_at(second)).equal(2);
    expect(status(first).active + status(second).active).equal(6);
  });
});

describe("a failed attempt", () => {
  it("makes a server unavailable after max_fails failures", () => {
    put(name, {}, [
      { server: A, max_fails: 2 },
      { server: B, backup: true },
    ]);
    for (const _ of $range(1, 2)) {
      expect(begin()).equal(A);
      expect(retry(502)).equal(B);
      end(`${A}, ${B}`, "502, 200", "-, 0.001");
    }
    expect(begin()).equal(B);
    end(B, "200", "0.001");
  });

  it("ejects a server when the errors in a row reach the limit of outlier detection", () => {
    const outlier_detection = { consecutive_5xx: 2, consecutive_gateway_failure: 0 };
    put(name, { outlier_detection }, [
      { server: A, max_fails: 0 },
      { server: B, backup: true },
    ]);
    for (const _ of $range(1, 2)) {
      expect(begin()).equal(A);
      end(A, "500", "0.001");
    }
    expect(begin()).equal(B);
    end(B, "200", "0.001");
  });
});

describe("a request that ended without log()", () => {
  it("is no longer in progress when another request has its address, and is reported once", () => {
    put(name, {}, [{ server: A }]);
    begin();
    nginx.log.length = 0;
    for (const _ of $range(1, 2)) {
      nginx.variables.upstream_addr = undefined;
      balance(name);
      expect(status(A).active).equal(1);
    }
    end(A, "200", "0.001");
    expect(status(A).active).equal(0);
    expect(status(A).requests).equal(3);
  });
});
