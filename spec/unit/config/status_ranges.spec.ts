import { parse_status_ranges } from "../../../src/resty/sluice/config/status_ranges";
import { expect } from "../support/expect";

describe("status ranges", () => {
  const accepted: [string, [number, number][]][] = [
    ["200", [[200, 200]]],
    ["200-399", [[200, 399]]],
    ["100-599", [[100, 599]]],
    ["200-200", [[200, 200]]],
    [
      "200 204 300-399",
      [
        [200, 200],
        [204, 204],
        [300, 399],
      ],
    ],
    [
      " 200,204 , 404,",
      [
        [200, 200],
        [204, 204],
        [404, 404],
      ],
    ],
  ];
  for (const [text, ranges] of accepted) {
    it(`may be "${text}"`, () => {
      expect(parse_status_ranges(text)[0]).same(ranges);
    });
  }

  const refused: [string, string][] = [
    ["", "empty"],
    [" , ", "empty"],
    ["2xx", '"2xx" is not a status code from 100 to 599'],
    ["200 !500", '"!500"'],
    ["99", '"99"'],
    ["600", '"600"'],
    ["2000", '"2000"'],
    ["200300", '"200300"'],
    ["200-", '"200-"'],
    ["-200", '"-200"'],
    ["200-600", '"200-600"'],
    ["300-200", '"300-200"'],
    ["200-300-400", '"200-300-400"'],
    ["200 - 300", '"-"'],
    ["200;204", '"200;204"'],
    ["200\n204", '"200?204"'],
    [string.rep("200 ", 65), "must not be longer than 256 bytes"],
  ];
  for (const [text, reason] of refused) {
    it(`are not "${text}"`, () => {
      const [ranges, said] = parse_status_ranges(text);
      expect(ranges).equal(undefined);
      expect(said).contains(reason);
    });
  }
});
