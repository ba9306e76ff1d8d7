import { parse_template } from "../../../src/resty/sluice/config/template";
import { expect } from "../support/expect";

describe("a text with variables", () => {
  const texts: [string, object[]][] = [
    ["$uri", [{ variable: "uri" }]],
    ["${uri}", [{ variable: "uri" }]],
    ["$remote_addr$uri", [{ variable: "remote_addr" }, { variable: "uri" }]],
    ["$arg_a-$arg_b", [{ variable: "arg_a" }, { literal: "-" }, { variable: "arg_b" }]],
    ["${host}s", [{ variable: "host" }, { literal: "s" }]],
    ["a $1 b", [{ literal: "a " }, { variable: "1" }, { literal: " b" }]],
    ["$10", [{ variable: "1" }, { literal: "0" }]],
    ["{$_x2}", [{ literal: "{" }, { variable: "_x2" }, { literal: "}" }]],
    ["caf\u00e9 $uri", [{ literal: "caf\u00e9 " }, { variable: "uri" }]],
  ];
  for (const [text, parts] of texts) {
    it(`is "${text}"`, () => {
      expect(parse_template(text)[0]).same(parts);
    });
  }

  const refused: [string, unknown, string][] = [
    ["a number", 5, "must be a string"],
    ["an empty text", "", "must contain a variable"],
    ["a text without a variable", "uri", "must contain a variable"],
    ["a lone $", "$uri $", "must begin a variable"],
    ["two $", "$$uri", "must begin a variable"],
    ["a $ before a sign", "$-uri", "must begin a variable"],
    ["a capture that there is not", "$0", "must begin a variable"],
    ["a ${ without its }", "${uri", "must begin a variable"],
    ["an empty ${}", "${}", "must begin a variable"],
    ["a ${ } with more than a name", "${uri }", "must begin a variable"],
    ["a control character", "$uri\n", "control characters"],
    ["a NUL", "$uri\0", "control characters"],
    ["a long text", `$uri${string.rep("a", 1021)}`, "must not be longer than 1024 bytes"],
  ];
  for (const [what, text, reason] of refused) {
    it(`is not ${what}`, () => {
      const [parts, given] = parse_template(text);
      expect(parts).equal(undefined);
      expect(given).contains(reason);
    });
  }

  it("may be 1024 bytes long", () => {
    expect(parse_template(`$uri${string.rep("a", 1020)}`)[1]).equal(undefined);
  });
});
