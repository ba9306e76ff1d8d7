import { has_port, parse_ports } from "../../../src/resty/sluice/lib/port_ranges";
import { expect } from "../support/expect";

describe("a list of ports", () => {
  const accepted: [text: string, ranges: object[]][] = [
    ["80", [{ first: 80, last: 80 }]],
    ["1024-65535", [{ first: 1024, last: 65535 }]],
    ["1-1", [{ first: 1, last: 1 }]],
    [
      "80,443,1024-65535",
      [
        { first: 80, last: 80 },
        { first: 443, last: 443 },
        { first: 1024, last: 65535 },
      ],
    ],
    [
      " 80 , 1024 - 2048 ",
      [
        { first: 80, last: 80 },
        { first: 1024, last: 2048 },
      ],
    ],
  ];
  for (const [text, ranges] of accepted) {
    it(`may be "${text}"`, () => {
      expect(parse_ports(text)[0]).same(ranges);
    });
  }

  for (const text of [
    "",
    ",",
    "80,",
    ",80",
    "0",
    "65536",
    "80-",
    "-80",
    "443-80",
    "0-80",
    "80-65536",
    "80;443",
    "http",
    "80 443",
    "0x50",
    "1e3",
    "80-90-100",
    "99999999999999999999",
    string.rep("80,", 256) + "80",
  ]) {
    it(`is not "${text.substring(0, 40)}"`, () => {
      const [ranges, reason] = parse_ports(text);
      expect(ranges).equal(undefined);
      expect(reason).contains("must ");
    });
  }

  it("has the ports from the first to the last of each range", () => {
    const [ranges = []] = parse_ports("80,1024-2048");
    const found = [79, 80, 81, 1023, 1024, 2048, 2049].filter((port) => has_port(ranges, port));
    expect(found).same([80, 1024, 2048]);
  });
});
