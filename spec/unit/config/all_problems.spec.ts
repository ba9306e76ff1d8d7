import { all_problems } from "../../../src/resty/sluice/config/all_problems";
import { read_upstream } from "../../../src/resty/sluice/config/upstream";
import { expect } from "../support/expect";

/** Returns the paths of all problems of an upstream. */
function paths_of(input: Record<string, unknown>): string[] {
  return all_problems(input, () => read_upstream(input)[1]).map(({ field }) => field ?? "");
}

describe("all problems of an upstream", () => {
  it("are none if it is right", () => {
    expect(paths_of({ method: "random", servers: [{ server: "10.0.0.1:80" }] })).same([]);
  });

  it("are found one after the other, also in blocks and servers", () => {
    const input = {
      colour: 1,
      method: "none",
      health_check: { interval: 7, match: { status: "x" } },
      servers: [
        { server: "10.0.0.1", weight: 0 },
        { server: "10.0.0.2", down: 1, drain: 2 },
      ],
    };
    expect(paths_of(input)).same([
      "colour",
      "method",
      "health_check.interval",
      "health_check.match.status",
      "servers[0].weight",
      "servers[1].down",
      "servers[1].drain",
    ]);
  });

  it("end with a member that must be given", () => {
    expect(paths_of({ queue: { size: 0 }, panic_threshold: -1 })).same(["panic_threshold", "queue.size"]);
    expect(paths_of({ servers: [{}, { server: 1 }] })).same(["servers[0].server"]);
  });

  it("are limited", () => {
    const servers = [];
    for (const number of $range(1, 50)) servers.push({ server: `10.0.0.${number}`, weight: 0 });
    expect(paths_of({ servers }).length).equal(20);
  });
});
