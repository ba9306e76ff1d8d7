import { STICKY } from "../../../src/resty/sluice/config/sticky";
import { json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

describe("a sticky cookie", () => {
  it("has defaults", () => {
    expect(STICKY.read("sticky", { cookie: { name: "srv" } })[0]).same({
      cookie: { name: "srv", path: "/", httponly: false, secure: false },
    });
  });

  it("keeps the given spelling of its options", () => {
    const cookie = {
      name: "__Host-a.b~1",
      path: "/shop",
      domain: ".Example.com",
      expires: "1h 30m",
      httponly: true,
      secure: true,
      samesite: "none",
    };
    expect(STICKY.read("sticky", { cookie })[0]).same({ cookie });
    expect(STICKY.read("sticky", { cookie: { name: "srv", expires: "max" } })[1]).equal(undefined);
  });

  const refused: [string, unknown, string][] = [
    ["name", "", "empty"],
    ["name", 5, "must be a non-empty string"],
    ["name", json_null, "must be a non-empty string"],
    ["name", "a b", "only letters"],
    ["name", "a=b", "only letters"],
    ["name", "a;b", "only letters"],
    ["name", "caf\u00e9", "only letters"],
    ["name", string.rep("n", 65), "must not be longer than 64 bytes"],
    ["path", "shop", 'begin with "/"'],
    ["path", "/; Secure", '";"'],
    ["path", "/\u0001", "control characters"],
    ["path", `/${string.rep("p", 1024)}`, "must not be longer than 1024 bytes"],
    ["path", true, 'begin with "/"'],
    ["domain", "", "must be a domain"],
    ["domain", ".", "must be a domain"],
    ["domain", "a;b", "must be a domain"],
    ["domain", "a b", "must be a domain"],
    ["domain", string.rep("d", 256), "must not be longer than 255 bytes"],
    ["domain", 5, "must be a string"],
    ["expires", "", "must be a time"],
    ["expires", "0s", "must be a time"],
    ["expires", "soon", "must be a time"],
    ["expires", 3600, "must be a time"],
    ["expires", "Max", "must be a time"],
    ["httponly", "true", "must be true or false"],
    ["secure", 1, "must be true or false"],
    ["samesite", "Lax", 'must be one of "strict", "lax", "none"'],
    ["samesite", "none", '"secure" is true'],
    ["samesite", json_null, "must be one of"],
  ];
  for (const [name, value, reason] of refused) {
    it(`refuses ${name} = ${tostring(value)}`, () => {
      const [sticky, problem] = STICKY.read("sticky", { cookie: { name: "srv", [name]: value } });
      expect(sticky).equal(undefined);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).contains(`invalid "sticky.cookie.${name}": `);
      expect(problem?.text).contains(reason);
    });
  }
});

describe("a sticky route", () => {
  it("is a list of variables", () => {
    const route = { variables: ["$cookie_r", "${arg_r}", "$1"] };
    expect(STICKY.read("sticky", { route })[0]).same({ route });
  });

  const many: string[] = [];
  for (const index of $range(1, 17)) many.push(`$arg_${index}`);
  const refused: [string, unknown, string][] = [
    ["a string", "$cookie_r", "must be a list"],
    ["an object", { r: "$cookie_r" }, "must be a list"],
    ["an empty list", [], "must be a list of 1 to 16 items"],
    ["a list of 17 items", many, "must be a list of 1 to 16 items"],
    ["JSON's null", json_null, "must be a list"],
  ];
  for (const [what, variables, reason] of refused) {
    it(`refuses ${what} as its variables`, () => {
      const [sticky, problem] = STICKY.read("sticky", { route: { variables } });
      expect(sticky).equal(undefined);
      expect(problem?.text).equal(`invalid "sticky.route.variables": ${reason}`);
    });
  }

  const items: [unknown, string][] = [
    [5, "must be a string"],
    ["", "must contain a variable"],
    ["cookie_r", "must contain a variable"],
    ["$", "must begin a variable"],
    ["$cookie_r$arg_r", "must be a single variable"],
    ["r=$arg_r", "must be a single variable"],
    [["$arg_r"], "must be a string"],
  ];
  for (const [item, reason] of items) {
    it(`refuses ${tostring(item)} among its variables`, () => {
      const [, problem] = STICKY.read("sticky", { route: { variables: ["$cookie_r", item] } });
      expect(problem?.text).contains('invalid "sticky.route.variables[1]": ');
      expect(problem?.text).contains(reason);
    });
  }
});

describe("sticky", () => {
  const refused: [string, unknown, string][] = [
    ["a string", "cookie", 'invalid "sticky": must be an object'],
    ["a list", ["cookie"], 'invalid "sticky": must be an object'],
    ["an object without either", {}, 'invalid "sticky": must have "cookie" or "route"'],
    [
      "both",
      { cookie: { name: "srv" }, route: { variables: ["$arg_r"] } },
      'invalid "sticky": must not have both "cookie" and "route"',
    ],
    ["an unknown kind", { learn: {} }, 'unknown parameter "sticky.learn"'],
    ["an unknown member", { cookie: { name: "srv", nam: 1 } }, 'unknown parameter "sticky.cookie.nam"'],
    ["a cookie that is a string", { cookie: "srv" }, 'invalid "sticky.cookie": must be an object'],
    ["a cookie that is a list", { cookie: ["srv"] }, 'invalid "sticky.cookie": must be an object'],
    ["a cookie without a name", { cookie: {} }, 'invalid "sticky.cookie.name": must be given'],
    ["a route without variables", { route: {} }, 'invalid "sticky.route.variables": must be given'],
    ["JSON's null as a cookie", { cookie: json_null }, 'invalid "sticky.cookie": must be an object'],
  ];
  for (const [what, value, text] of refused) {
    it(`refuses ${what}`, () => {
      const [sticky, problem] = STICKY.read("sticky", value);
      expect(sticky).equal(undefined);
      expect(problem?.status).equal(400);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).equal(text);
    });
  }
});
