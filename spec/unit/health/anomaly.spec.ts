import {
  enough_requests,
  judge,
  latency_of,
  stepped_down,
  stepped_up,
  Verdict,
  type AnomalyLimits,
  type Performance,
} from "../../../src/resty/sluice/health/anomaly";
import { expect } from "../support/expect";

const limits: AnomalyLimits = {
  degrades: true,
  minimum_hosts: 3,
  request_volume: 50,
  error_margin: 0.1,
  latency_ratio: 2,
  step_down: 0.2,
  step_up: 0.05,
  min_part: 0.01,
};

/** Returns responses, of which some failed, with a mean time in milliseconds. */
function performance(responses: number, errors: number, latency: number): Performance {
  return {
    responses,
    errors,
    answers: responses,
    bad_answers: errors,
    timed: responses,
    time: latency * (responses - errors),
  };
}

const others = performance(400, 0, 20);

describe("a server is", () => {
  const verdicts: [string, Performance, Performance, Verdict][] = [
    ["normal if it is as the others", performance(100, 0, 20), others, Verdict.NORMAL],
    ["unknown with too few requests", performance(49, 49, 900), others, Verdict.UNKNOWN],
    ["unknown if the others had too few", performance(100, 90, 20), performance(49, 0, 20), Verdict.UNKNOWN],
    ["anomalous if more of its requests fail", performance(100, 11, 20), others, Verdict.ERRORS],
    ["doubtful if half as many more fail", performance(100, 8, 20), others, Verdict.DOUBTFUL],
    ["normal if as many fail elsewhere", performance(100, 30, 20), performance(400, 100, 20), Verdict.NORMAL],
    ["not anomalous by chance", performance(50, 20, 20), performance(400, 100, 20), Verdict.NORMAL],
    [
      "anomalous by the same difference in more requests",
      performance(5000, 2000, 20),
      performance(40000, 10000, 20),
      Verdict.ERRORS,
    ],
    ["anomalous if it is slow", performance(100, 0, 41), others, Verdict.LATENCY],
    ["doubtful if it is half as slow", performance(100, 0, 35), others, Verdict.DOUBTFUL],
    ["normal if it is a little slower", performance(100, 0, 29), others, Verdict.NORMAL],
    [
      "normal if few milliseconds are all that differs",
      performance(100, 0, 6),
      performance(400, 0, 1),
      Verdict.NORMAL,
    ],
    ["slow even if its failures are fast", performance(100, 9, 41), others, Verdict.LATENCY],
    ["normal among slow ones", performance(100, 0, 900), performance(400, 0, 800), Verdict.NORMAL],
  ];
  for (const [what, one, rest, verdict] of verdicts) {
    it(what, () => {
      expect(judge(one, rest, limits, 1)).equal(verdict);
    });
  }

  it("never anomalous by what is switched off", () => {
    expect(judge(performance(100, 100, 20), others, { ...limits, error_margin: 0 }, 1)).equal(Verdict.NORMAL);
    expect(judge(performance(100, 0, 900), others, { ...limits, latency_ratio: 0 }, 1)).equal(Verdict.NORMAL);
  });

  it("judged by fewer requests if it has lost weight", () => {
    expect(enough_requests(limits, 1)).equal(50);
    expect(enough_requests(limits, 0.2)).equal(10);
    expect(enough_requests(limits, 0.01)).equal(10);
    expect(enough_requests({ ...limits, request_volume: 2 }, 0.01)).equal(2);
    expect(judge(performance(10, 3, 20), others, limits, 0.01)).equal(Verdict.ERRORS);
    expect(judge(performance(10, 0, 20), others, limits, 0.01)).equal(Verdict.NORMAL);
  });
});

describe("the latency of a server", () => {
  it("is not known without good responses", () => {
    expect(latency_of(performance(0, 0, 0))).equal(-1);
    expect(latency_of(performance(10, 10, 20))).equal(-1);
  });

  it("is not shortened by failures that take no time", () => {
    expect(latency_of(performance(100, 50, 20))).equal(20);
  });
});

describe("a weight", () => {
  it("falls to its lowest part and rises to all of it, by steps", () => {
    let part = 1;
    const down: string[] = [];
    for (const _ of $range(1, 6)) {
      part = stepped_down(part, limits);
      down.push(string.format("%.2f", part));
    }
    expect(down).same(["0.80", "0.60", "0.40", "0.20", "0.01", "0.01"]);
    let steps = 0;
    while (part < 1) {
      part = stepped_up(part, limits);
      steps += 1;
    }
    expect(part).equal(1);
    expect(steps).equal(20);
  });
});
