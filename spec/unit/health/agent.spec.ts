import { parse_agent } from "../../../src/resty/sluice/health/agent";
import type { Report } from "../../../src/resty/sluice/health/report";
import { expect } from "../support/expect";

const NOTHING = "neither a state nor a weight";
const NO_WEIGHT: Report = { utilization: 1, has_weight: false };

/** Returns the report of a server with this free fraction. */
function free(part: number): Report {
  return { utilization: 1 - part, has_weight: true };
}

describe("an agent's line", () => {
  const accepted: [string, object][] = [
    ["up", { state: "up" }],
    ["ready", { state: "up" }],
    ["drain", { state: "drain" }],
    ["down", { state: "down" }],
    ["fail", { state: "down" }],
    ["stopped", { state: "down" }],
    ["maint", { state: "down" }],
    ["Up", { state: "up" }],
    ["DRAIN", { state: "drain" }],
    ["75%", free(0.75)],
    ["100%", free(1)],
    ["250%", free(1)],
    ["weight:75%", free(0.75)],
    // HAProxy's weights have their own scale. The configured weight of the server does not matter.
    ["weight:1", free(1 / 256)],
    ["weight:64", free(0.25)],
    ["weight:256", free(1)],
    ["0%", NO_WEIGHT],
    ["weight:0%", NO_WEIGHT],
    ["weight:0", NO_WEIGHT],
    ["up 0%", { state: "up", ...NO_WEIGHT }],
    ["up 75%", { state: "up", ...free(0.75) }],
    ["75% up", { state: "up", ...free(0.75) }],
    ["up,75%", { state: "up", ...free(0.75) }],
    ["up\t75%", { state: "up", ...free(0.75) }],
    [" , up ,\t, 75% ,", { state: "up", ...free(0.75) }],
    ["up maxconn:30", { state: "up" }],
    ["maxconn:0 50%", free(0.5)],
    ["down # 75% of the disk is full", { state: "down" }],
    ["down#up", { state: "down" }],
    // The worse of two states counts.
    ["up ready drain", { state: "drain" }],
    ["drain up", { state: "drain" }],
    ["down drain", { state: "down" }],
    ["up fail", { state: "down" }],
  ];
  for (const [line, report] of accepted) {
    it(`may be ${string.format("%q", line)}`, () => {
      const [read, reason] = parse_agent(line);
      expect(read).same(report);
      expect(reason).equal(undefined);
    });
  }

  const refused: [string, string][] = [
    ["", NOTHING],
    [" \t,", NOTHING],
    ["# up", NOTHING],
    ["maxconn:30", NOTHING],
    ["hello", 'unknown word "hello"'],
    ["up hello", 'unknown word "hello"'],
    ["Hello up", 'unknown word "Hello"'],
    ["75", 'unknown word "75"'],
    ["-5%", 'unknown word "-5%"'],
    ["7.5%", 'unknown word "7.5%"'],
    ["%", 'unknown word "%"'],
    ["nan%", 'unknown word "nan%"'],
    ["weight:257", 'unknown word "weight:257"'],
    ["weight:-1", 'unknown word "weight:-1"'],
    ["weight:", 'unknown word "weight:"'],
    ["weight:1e1", 'unknown word "weight:1e1"'],
    ["maxconn:-1 up", 'unknown word "maxconn:-1"'],
    ["maxconn:x up", 'unknown word "maxconn:x"'],
    ["HTTP/1.1 200 OK", 'unknown word "HTTP/1.1"'],
    ["\0up", 'unknown word "\0up"'],
    [string.rep("x", 1000), `unknown word "${string.rep("x", 64)}"`],
  ];
  for (const [line, reason] of refused) {
    it(`is not ${string.format("%q", string.sub(line, 1, 40))}`, () => {
      const [report, found] = parse_agent(line);
      expect(report).equal(undefined);
      expect(found).equal(reason);
    });
  }

  it("is a report with a number, however many digits it has", () => {
    expect(parse_agent(`${string.rep("9", 500)}%`)[0]).same(free(1));
    expect(parse_agent(`weight:${string.rep("9", 500)}`)[0]).equal(undefined);
  });
});
