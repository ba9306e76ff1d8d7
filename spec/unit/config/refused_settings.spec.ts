import { json_null } from "../../../src/resty/sluice/lib/json";
import { refuses } from "../support/refused";

/** Health checks, outlier limits, retries and queues that are refused in a new upstream and in a change. */

const NOT_FLAGS = ["on", 1, json_null, {}];
const NOT_STRINGS = [5, true, json_null, {}];
const NOT_TIMES = ["", "x", "-1s", "1.5s", "1 s", "1s 1m", 5, true, json_null, {}];
const LARGEST = 2147483647;

type Members = [member: string, values: unknown[]][];

function refuses_each(block: string, members: Members, good: object = {}): void {
  for (const [member, values] of members) {
    for (const value of values) refuses({ [block]: { ...good, [member]: value } }, `${block}.${member}`);
  }
}

function not_whole(smallest: number, largest: number): unknown[] {
  const texts = [string.format("%d", smallest), ""];
  return [smallest - 1, largest + 1, smallest + 0.5, 1e300, ...texts, true, json_null, {}];
}

describe("a setting that is not an object:", () => {
  for (const value of [5, true, "x", ["x"]]) {
    for (const block of ["health_check", "outlier_detection", "retries", "queue"])
      refuses({ [block]: value }, block, `invalid "${block}": must be an object`);
    refuses({ retries: { budget: value } }, "retries.budget");
    refuses({ health_check: { match: value } }, "health_check.match");
    refuses({ health_check: { match: { headers: value } } }, "health_check.match.headers");
  }
});

describe("a health check:", () => {
  refuses_each("health_check", [
    ["type", ["udp", "", "HTTP", ...NOT_STRINGS]],
    ["uri", ["", "health", "/a b", "/\r\nX: y", "/\u0000", "/größe", `/${string.rep("u", 1024)}`]],
    ["uri", NOT_STRINGS],
    ["port", not_whole(1, 65535)],
    ["interval", ["99ms", "0", "3601s", ...NOT_TIMES]],
    ["jitter", ["3601s", ...NOT_TIMES]],
    ["timeout", ["0", "0ms", "3601s", ...NOT_TIMES]],
    ["fails", not_whole(1, 1000)],
    ["passes", not_whole(1, 1000)],
    ["mandatory", NOT_FLAGS],
    ["persistent", [true, ...NOT_FLAGS]],
    ["keepalive_time", ["25h", ...NOT_TIMES]],
    ["keepalive", ["60s"]],
    ["host", ["", "a b", ...NOT_STRINGS]],
    ["headers", [5, "a", ["a"], { "a b": "c" }, json_null]],
    ["method", ["PUT", "get", ...NOT_STRINGS]],
    ["body", ["x"]],
    ["verify", [true, ...NOT_FLAGS]],
  ]);
  refuses({ health_check: { type: "grpcs" } }, "health_check.type", '"grpcs" is not supported');
  refuses_each(
    "health_check",
    [
      ["uri", ["/"]],
      ["match", [{}]],
      ["keepalive_time", ["60s"]],
    ],
    { type: "tcp" },
  );
});

describe("the conditions for a response:", () => {
  const refuses_match = (match: object, path: string, says?: string) => {
    refuses({ health_check: { match } }, `health_check.match${path}`, says);
  };
  const statuses = ["", " ", "2xx", "!500", "99", "600", "200-", "399-200", "200;204", string.rep("2", 300)];
  for (const status of [...statuses, ...NOT_STRINGS]) refuses_match({ status }, ".status");
  for (const regex of [string.rep("b", 1025), ...NOT_STRINGS]) {
    refuses_match({ body: regex }, ".body");
    refuses_match({ headers: { "x-a": regex } }, ".headers.x-a");
  }
  refuses_match({ body: "" }, ".body");
  for (const name of ["", "X-A", "a b", "a:", "größe", string.rep("n", 65)])
    refuses_match({ headers: { [name]: "" } }, ".headers");
  const many: Record<string, string> = {};
  for (const index of $range(1, 17)) many[`x${index}`] = "";
  refuses_match({ headers: many }, ".headers");
  refuses_match({ code: "200" }, ".code", "unknown parameter");
});

describe("outlier detection:", () => {
  refuses_each("outlier_detection", [
    ["consecutive_5xx", not_whole(0, LARGEST)],
    ["consecutive_gateway_failure", not_whole(0, LARGEST)],
    ["interval", ["99ms", "3601s", ...NOT_TIMES]],
    ["base_ejection_time", ["0", "366d", ...NOT_TIMES]],
    ["max_ejection_time", ["0", "366d", "29s", ...NOT_TIMES]],
    ["max_ejection_percent", not_whole(0, 100)],
    ["success_rate_minimum_hosts", not_whole(0, LARGEST)],
    ["success_rate_request_volume", not_whole(0, LARGEST)],
    ["success_rate_stdev_factor", [1.9, ...not_whole(0, LARGEST)]],
    ["enforcing_consecutive_5xx", [100]],
  ]);
});

describe("the panic threshold:", () => {
  for (const percent of not_whole(0, 100)) {
    if (percent !== json_null) refuses({ panic_threshold: percent }, "panic_threshold");
  }
});

describe("retries and queues:", () => {
  refuses_each("retries", [
    ["tries", not_whole(1, 100)],
    ["timeout", ["0", "0s", "366d", ...NOT_TIMES]],
    ["on", ["error"]],
  ]);
  const budgets: Members = [
    ["percent", not_whole(0, 100)],
    ["min_concurrent", not_whole(0, 100000)],
    ["max", [5]],
  ];
  for (const [member, values] of budgets) {
    for (const value of values)
      refuses({ retries: { budget: { [member]: value } } }, `retries.budget.${member}`);
  }
  refuses({ queue: {} }, "queue.size", 'invalid "queue.size": must be given');
  refuses_each("queue", [["size", not_whole(1, 100000)]]);
  refuses_each(
    "queue",
    [
      ["timeout", ["0", "0s", "366d", ...NOT_TIMES]],
      ["length", [5]],
    ],
    { size: 10 },
  );
});
