import { backoff, note_failure, note_recovery, type Attempts } from "../../../src/resty/sluice/net/backoff";
import { expect } from "../support/expect";

const lines: string[] = [];

function use_log(): void {
  const log = (_level: unknown, line: string) => lines.push(line);
  (_G as unknown as Record<string, unknown>).ngx = { log };
  while (lines.length > 0) lines.pop();
}

describe("the delay before the next attempt", () => {
  before_each(use_log);

  it("doubles with each failure up to the longest delay", () => {
    const delays: number[] = [];
    for (const failures of $range(0, 5)) delays.push(backoff(failures, 1, 10));
    expect(delays).same([1, 2, 4, 8, 10, 10]);
  });

  it("grows with the failures in a row, and restarts after a success", () => {
    const state: Attempts = { attempts: 0, failures: 0 };
    const first = note_failure(state, "a registry", "it is down");
    for (const _ of $range(1, 9)) note_failure(state, "a registry", "it is down");
    const tenth = note_failure(state, "a registry", "it is down");
    expect(first >= 0.0375 && first <= 0.0625).equal(true);
    expect(tenth >= 0.75 && tenth <= 1.25).equal(true);
    note_recovery(state, "a registry");
    const next = note_failure(state, "a registry", "it is down");
    expect(next <= 0.0625).equal(true);
  });

  it("keeps the number of all attempts, which selects the next endpoint", () => {
    const state: Attempts = { attempts: 0, failures: 0 };
    note_failure(state, "a registry", "it is down");
    note_recovery(state, "a registry");
    note_failure(state, "a registry", "it is down");
    expect(state).same({ attempts: 2, failures: 1 });
  });

  it("logs the first failure of a series and its end", () => {
    const state: Attempts = { attempts: 0, failures: 0 };
    note_recovery(state, "a registry");
    note_failure(state, "a registry", "it is down");
    note_failure(state, "a registry", "it is down");
    note_recovery(state, "a registry");
    expect(lines).same([
      "sluice: could not follow a registry: it is down",
      "sluice: a registry answers again",
    ]);
  });
});
