import { read_sticky } from "../../../src/resty/sluice/config/sticky";
import { json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

describe("a sticky cookie", () => {
  it("has defaults", () => {
    expect(read_sticky("sticky", { cookie: { name: "srv" } })[0]).same({
      cookie: { name: "srv", path: "/", httponly: false, secure: false },
    });
  });

  it("keeps what is given as it is spelled", () => {
    const cookie = {
      name: "__Host-a.b~1",
      path: "/shop",
      domain: ".Example.com",
      expires: "1h 30m",
      httponly: true,
      secure: true,
      samesite: "none",
    };
    expect(read_sticky("sticky", { cookie })[0]).same({ cookie });
    expect(read_sticky("sticky", { cookie: { name: "srv", expires: "max" } })[1]).equal(undefined);
  });

  const refused: [string, unknown, string][] = [
    ["name", "", "empty"],
    ["name", 5, "not a string"],
    ["name", json_null, "not a string"],
    ["name", "a b", "only letters"],
    ["name", "a=b", "only letters"],
    ["name", "a;b", "only letters"],
    ["name", "caf\u00e9", "only letters"],
    ["name", string.rep("n", 65), "longer than 64 bytes"],
    ["path", "shop", 'begin with "/"'],
    ["path", "/; Secure", '";"'],
    ["path", "/\u0001", "control characters"],
    ["path", `/${string.rep("p", 1024)}`, "longer than 1024 bytes"],
    ["path", true, 'begin with "/"'],
    ["domain", "", "not a domain"],
    ["domain", ".", "not a domain"],
    ["domain", "a;b", "not a domain"],
    ["domain", "a b", "not a domain"],
    ["domain", string.rep("d", 256), "longer than 255 bytes"],
    ["domain", 5, "not a string"],
    ["expires", "", "not a time"],
    ["expires", "0s", "not a time"],
    ["expires", "soon", "not a time"],
    ["expires", 3600, "not a time"],
    ["expires", "Max", "not a time"],
    ["httponly", "true", "not a boolean"],
    ["secure", 1, "not a boolean"],
    ["samesite", "Lax", 'not one of "strict", "lax", "none"'],
    ["samesite", "none", '"secure" is true'],
    ["samesite", json_null, "not one of"],
  ];
  for (const [name, value, reason] of refused) {
    it(`refuses ${name} = ${tostring(value)}`, () => {
      const [sticky, problem] = read_sticky("sticky", { cookie: { name: "srv", [name]: value } });
      expect(sticky).equal(undefined);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).contains(`invalid "sticky.cookie.${name}" value: `);
      expect(problem?.text).contains(reason);
    });
  }
});

describe("a sticky route", () => {
  it("is a list of variables", () => {
    const route = { variables: ["$cookie_r", "${arg_r}", "$1"] };
    expect(read_sticky("sticky", { route })[0]).same({ route });
  });

  const many: string[] = [];
  for (const index of $range(1, 17)) many.push(`$arg_${index}`);
  const refused: [string, unknown, string][] = [
    ["a string", "$cookie_r", "not a list"],
    ["an object", { r: "$cookie_r" }, "not a list"],
    ["an empty list", [], "empty"],
    ["17 of them", many, "more than 16"],
    ["JSON's null", json_null, "not a list"],
  ];
  for (const [what, variables, reason] of refused) {
    it(`refuses ${what} for it`, () => {
      const [sticky, problem] = read_sticky("sticky", { route: { variables } });
      expect(sticky).equal(undefined);
      expect(problem?.text).equal(`invalid "sticky.route.variables" value: ${reason}`);
    });
  }

  const items: [unknown, string][] = [
    [5, "not a string"],
    ["", "no variable"],
    ["cookie_r", "no variable"],
    ["$", "begins no variable"],
    ["$cookie_r$arg_r", "more than a variable"],
    ["r=$arg_r", "more than a variable"],
    [["$arg_r"], "not a string"],
  ];
  for (const [item, reason] of items) {
    it(`refuses ${tostring(item)} in it`, () => {
      const [, problem] = read_sticky("sticky", { route: { variables: ["$cookie_r", item] } });
      expect(problem?.text).contains('invalid "sticky.route.variables[1]" value: ');
      expect(problem?.text).contains(reason);
    });
  }
});

describe("sticky", () => {
  const refused: [string, unknown, string][] = [
    ["a string", "cookie", 'invalid "sticky" value: not an object'],
    ["a list", ["cookie"], 'invalid "sticky" value: not an object'],
    ["an object without either", {}, 'missing "sticky.cookie" or "sticky.route" argument'],
    [
      "both",
      { cookie: { name: "srv" }, route: { variables: ["$arg_r"] } },
      'invalid "sticky" value: "cookie" and "route" exclude each other',
    ],
    ["an unknown kind", { learn: {} }, 'unknown parameter "sticky.learn"'],
    ["an unknown member", { cookie: { name: "srv", nam: 1 } }, 'unknown parameter "sticky.cookie.nam"'],
    ["a cookie that is a string", { cookie: "srv" }, 'invalid "sticky.cookie" value: not an object'],
    ["a cookie that is a list", { cookie: ["srv"] }, 'invalid "sticky.cookie" value: not an object'],
    ["a cookie without a name", { cookie: {} }, 'missing "sticky.cookie.name" argument'],
    ["a route without variables", { route: {} }, 'missing "sticky.route.variables" argument'],
    ["JSON's null as a cookie", { cookie: json_null }, 'invalid "sticky.cookie" value: not an object'],
  ];
  for (const [what, value, text] of refused) {
    it(`refuses ${what}`, () => {
      const [sticky, problem] = read_sticky("sticky", value);
      expect(sticky).equal(undefined);
      expect(problem?.status).equal(400);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).equal(text);
    });
  }
});
