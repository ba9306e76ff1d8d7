import { format_health_end, read_health_number } from "../../../../src/resty/sluice/store/disk/health_file";
import { seal } from "../../../../src/resty/sluice/store/disk/sealed";
import { expect } from "../../support/expect";

const LINES = [seal('{"health":12}'), seal('{"incarnation":1,"id":0,"fails":1}'), format_health_end(12, 2)];
const TEXT = table.concat(LINES);

describe("a health file", () => {
  it("has a number", () => {
    expect(read_health_number(TEXT)[0]).equal(12);
    expect(read_health_number('{"health":3}\n{"incarnation":1,"id":0,"fails":1}\n{"end":3}\n')[0]).equal(3);
  });

  it("is refused when it is incomplete", () => {
    for (const length of $range(0, TEXT.length - 1)) {
      const [number, flaw] = read_health_number(string.sub(TEXT, 1, length));
      expect(number).equal(undefined);
      expect(flaw).contains("the file was not finished");
    }
    expect(read_health_number(LINES[0] + LINES[2])[1]).contains("line 2: lines are missing");
  });

  it("is refused when any bit is flipped", () => {
    for (const position of $range(1, TEXT.length)) {
      const byte = string.byte(TEXT, position);
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const flipped = string.char(byte ^ bit);
        const damaged = string.sub(TEXT, 1, position - 1) + flipped + string.sub(TEXT, position + 1);
        expect(read_health_number(damaged)[0]).equal(undefined);
      }
    }
  });
});
