import { iso8601, parse_iso8601 } from "../../../src/resty/sluice/lib/iso8601";
import { expect } from "../support/expect";

describe("a moment in ISO 8601", () => {
  const moments: [string, number][] = [
    ["1970-01-01T00:00:00Z", 0],
    ["1970-01-01T00:00:00.000Z", 0],
    ["1969-12-31T23:59:59Z", -1],
    ["1970-01-02T00:00:01.5Z", 86401.5],
    ["1999-12-31T23:59:59Z", 946684799],
    ["2000-01-01T00:00:00Z", 946684800],
    ["2000-02-28T23:59:59Z", 951782399],
    ["2000-02-29T00:00:00Z", 951782400],
    ["2000-03-01T00:00:00Z", 951868800],
    ["2024-02-29T12:00:00Z", 1709208000],
    ["2024-12-31T23:59:59.999Z", 1735689599.999],
    ["2025-01-01T00:00:00Z", 1735689600],
    ["2025-02-28T23:59:59Z", 1740787199],
    ["2025-03-01T00:00:00Z", 1740787200],
    ["2026-01-01T00:00:00.250Z", 1767225600.25],
    ["2100-02-28T00:00:00Z", 4107456000],
    ["2100-03-01T00:00:00Z", 4107542400],
    // A leap second is at the end of a minute.
    ["2016-12-31T23:59:60Z", 1483228800],
    ["2026-01-01T00:00:00.1234567Z", 1767225600.1234567],
  ];
  for (const [text, seconds] of moments) {
    it(`may be ${text}`, () => {
      expect(parse_iso8601(text)).equal(seconds);
    });
  }

  it("is written as it was read, for every millisecond of a second", () => {
    for (const milliseconds of $range(0, 999)) {
      const text = `2026-11-30T09:08:41.${string.format("%03d", milliseconds)}Z`;
      expect(iso8601(parse_iso8601(text) as number)).equal(text);
    }
  });

  it("is read as it was written, for every day of 400 years", () => {
    // A quarter of a second is exact in binary.
    for (const day of $range(0, 146096)) {
      const seconds = day * 86400 + (day % 86400) + 0.25;
      if (parse_iso8601(iso8601(seconds)) !== seconds) expect(iso8601(seconds)).equal(`day ${day}`);
    }
  });

  const garbage = [
    "",
    "now",
    "1767225600",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00Z",
    "2026-01-01 00:00:00Z",
    "2026-01-01t00:00:00z",
    "2026-01-01T00:00:00+00:00",
    "2026-01-01T00:00:00+01:00Z",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00,5Z",
    "2026-01-01T00:00:0012Z",
    "2026-01-01T00:00:00.5.5Z",
    "2026-1-1T0:0:0Z",
    "26-01-01T00:00:00Z",
    "+2026-01-01T00:00:00Z",
    "-2026-01-01T00:00:00Z",
    " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z ",
    "2026-01-01T00:00:00Z\n",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2024-02-30T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:61Z",
    "2026-01-01T-1:00:00Z",
    "aaaa-bb-ccTdd:ee:ffZ",
  ];
  for (const text of garbage) {
    it(`is not ${string.format("%q", text)}`, () => {
      expect(parse_iso8601(text)).equal(undefined);
    });
  }
});
