import { format_for, OPENMETRICS, PROMETHEUS } from "../../../../src/resty/sluice/api/metrics/format";
import { expect } from "../../support/expect";

/** What Prometheus 2.42 sends. */
const OF_PROMETHEUS =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

describe("the format of metrics", () => {
  it("is OpenMetrics for a client that prefers it", () => {
    for (const accept of [
      OF_PROMETHEUS,
      "application/openmetrics-text",
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
      'application/openmetrics-text; version="1.0.0"',
      "Application/OpenMetrics-Text;q=0.5, text/plain;q=0.4",
      "text/plain;q=0.2, application/openmetrics-text;q=0.2",
      " text/html , application/openmetrics-text ; q=0.001",
    ])
      expect(format_for(accept)).equal(OPENMETRICS);
  });

  it("is the format of Prometheus for every other client", () => {
    expect(format_for(undefined)).equal(PROMETHEUS);
    for (const accept of [
      "",
      "*/*",
      "text/plain",
      "text/*;q=0.5",
      "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      "application/openmetrics-text;version=0.0.1",
      "application/openmetrics-text;q=0.3, text/plain;q=0.4",
      "application/openmetrics-text;q=0",
      "application/json",
      "image/png, */*;q=0.1",
    ])
      expect(format_for(accept)).equal(PROMETHEUS);
  });

  it("is one of both for any text", () => {
    for (const accept of [
      ",,,;;;===",
      ";q=1",
      "text/plain;q=",
      "text/plain;q=nan",
      "application/openmetrics-text;q=-1e999;q=0x10;version",
      string.rep("application/openmetrics-text;q=0.1,", 10000),
      string.rep('"', 4000),
      "\x00\x01\xff",
    ]) {
      const format = format_for(accept);
      expect(format === OPENMETRICS || format === PROMETHEUS).equal(true);
    }
  });

  it("is not examined in a header that is very long", () => {
    expect(format_for(string.rep("a", 5000) + ",application/openmetrics-text")).equal(PROMETHEUS);
  });
});
