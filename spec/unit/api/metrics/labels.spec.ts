import { escape_label, further_label, label } from "../../../../src/resty/sluice/api/metrics/labels";
import { expect } from "../../support/expect";

describe("a label", () => {
  it("keeps addresses and names as they are", () => {
    for (const value of ["10.0.0.1:80", "[::1]:8080", "unix:/run/a b.sock", "app-1_x@y~z+w", ""])
      expect(escape_label(value)).equal(value);
  });

  it("escapes quotes, backslashes and ends of lines", () => {
    expect(label("server", 'unix:/a"b\\c\nd')).equal('server="unix:/a\\"b\\\\c\\nd"');
    expect(further_label("id", "3")).equal(',id="3"');
  });

  it("keeps UTF-8, and shows other bytes by their codes", () => {
    expect(escape_label("unix:/ä")).equal("unix:/ä");
    expect(escape_label(`unix:/${string.char(255)}!`)).equal("unix:/\\\\xff!");
  });
});
