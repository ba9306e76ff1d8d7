import { parse_agent } from "../../../src/resty/sluice/control/agent";
import { expect } from "../support/expect";

const NOTHING = "neither a state nor a weight";
const WEIGHT = 8;

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
    ["75%", { utilization: 0.25 }],
    ["100%", { utilization: 0 }],
    ["250%", { utilization: 0 }],
    ["0%", { utilization: 1 }],
    ["weight:75%", { utilization: 0.25 }],
    ["weight:2", { utilization: 0.75 }],
    ["weight:8", { utilization: 0 }],
    ["weight:0", { utilization: 1 }],
    ["weight:256", { utilization: 0 }],
    ["up 75%", { state: "up", utilization: 0.25 }],
    ["75% up", { state: "up", utilization: 0.25 }],
    ["up,75%", { state: "up", utilization: 0.25 }],
    ["up\t75%", { state: "up", utilization: 0.25 }],
    [" , up ,\t, 75% ,", { state: "up", utilization: 0.25 }],
    ["up maxconn:30", { state: "up" }],
    ["maxconn:0 50%", { utilization: 0.5 }],
    ["down # 75% of the disk is full", { state: "down" }],
    ["down#up", { state: "down" }],
    // Of two states the worse one counts.
    ["up ready drain", { state: "drain" }],
    ["drain up", { state: "drain" }],
    ["down drain", { state: "down" }],
    ["up fail", { state: "down" }],
  ];
  for (const [line, report] of accepted) {
    it(`may be ${string.format("%q", line)}`, () => {
      const [read, reason] = parse_agent(line, WEIGHT);
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
      const [report, found] = parse_agent(line, WEIGHT);
      expect(report).equal(undefined);
      expect(found).equal(reason);
    });
  }

  it("is a report with a number, however many digits it has", () => {
    expect(parse_agent(`${string.rep("9", 500)}%`, WEIGHT)[0]).same({ utilization: 0 });
    expect(parse_agent(`weight:${string.rep("9", 500)}`, WEIGHT)[0]).equal(undefined);
  });
});
