import { authorize, roles_for } from "../../../../src/resty/sluice/api/client/authorize";
import {
  check_change,
  covers,
  has_role,
  matches,
  type Client,
} from "../../../../src/resty/sluice/api/client/client";
import type { MethodName, Route } from "../../../../src/resty/sluice/api/route";
import { ROLES, type Role } from "../../../../src/resty/sluice/config/access";
import { expect } from "../../support/expect";

function client_with(role: Role, upstreams?: string[]): Client {
  return { name: "one", kind: "token", role, upstreams };
}

const nothing = () => $multi({ status: 200 }, undefined);

describe("a role", () => {
  it("includes exactly the rights of lesser roles", () => {
    const included: Record<Role, string> = {
      read: "read",
      report: "report",
      operate: "read operate",
      write: "read report operate write",
      admin: "read report operate write admin",
    };
    for (const role of ROLES) {
      const found: string[] = [];
      for (const needed of ROLES) if (has_role(client_with(role), [needed])) found.push(needed);
      expect(table.concat(found, " ")).equal(included[role]);
    }
    expect(has_role(client_with("report"), ["read", "report"])).equal(true);
    expect(has_role(client_with("admin"), [])).equal(false);
  });
});

describe("the pattern of a name", () => {
  it("matches the whole name, with one star for any text", () => {
    const matching = [
      ["app", "app"],
      ["shop-*", "shop-"],
      ["shop-*", "shop-a-b"],
      ["*", ""],
      ["*-eu", "app-eu"],
      ["a*a", "aa"],
      ["a*c", "abc"],
    ];
    for (const [pattern, name] of matching) expect(matches(pattern, name)).equal(true);
    const others = [
      ["app", "app2"],
      ["app", "APP"],
      ["shop-*", "shop"],
      ["shop-*", "my-shop-a"],
      ["*-eu", "app-eu2"],
      ["a*a", "a"],
      ["a.c", "abc"],
      ["%a*", "abc"],
    ];
    for (const [pattern, name] of others) expect(matches(pattern, name)).equal(false);
  });

  it("decides which upstreams a client sees", () => {
    const client = client_with("read", ["app", "shop-*"]);
    expect(["app", "shop-1", "other", "", "app/", "shop"].map((name) => covers(client, name))).same([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(covers(client_with("read"), "anything")).equal(true);
  });
});

describe("a route", () => {
  const of_upstream: Route = { path: "upstreams/{name}", GET: nothing, PUT: nothing };
  const of_all: Route = { path: "upstreams", GET: nothing };
  const code = (client: Client, route: Route, method: MethodName, name?: string) =>
    authorize(client, route, method, name === undefined ? {} : { name })?.code;

  it("needs the role read for GET and write for other methods, unless it says otherwise", () => {
    expect(roles_for(of_upstream, "GET")).same(["read"]);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"] as const)
      expect(roles_for(of_upstream, method)).same(["write"]);
    const other: Route = { path: "x", roles: { PUT: ["report"] } };
    expect(roles_for(other, "PUT")).same(["report"]);
    expect(roles_for(other, "DELETE")).same(["write"]);
  });

  it("is refused to a client without the role, which the reason names", () => {
    const problem = authorize(client_with("operate"), of_upstream, "PUT", { name: "app" });
    expect(problem).same({
      status: 403,
      code: "RoleMissing",
      text: 'PUT of this path needs the role "write"; the token "one" has the role "operate"',
    });
    expect(
      code({ name: "local", kind: "local", role: "read", upstreams: undefined }, of_upstream, "PUT"),
    ).equal("Unauthorized");
  });

  it("of an upstream is only for clients that see the upstream", () => {
    const client = client_with("write", ["app"]);
    expect(code(client, of_upstream, "PUT", "app")).equal(undefined);
    expect(code(client, of_upstream, "PUT", "other")).equal("UpstreamNotAllowed");
    expect(code(client, of_upstream, "GET", "other")).equal("UpstreamNotAllowed");
  });

  it("of all upstreams is refused to clients that see only some, unless it filters", () => {
    const client = client_with("admin", ["app"]);
    expect(code(client, of_all, "GET")).equal("UpstreamNotAllowed");
    expect(code(client, { ...of_all, scope: "filtered" }, "GET")).equal(undefined);
    expect(code(client, { ...of_all, scope: "neutral" }, "GET")).equal(undefined);
    expect(code(client, { ...of_all, scope: "neutral" }, "DELETE")).equal("UpstreamNotAllowed");
    expect(code(client_with("admin"), of_all, "GET")).equal(undefined);
  });
});

describe("a change of an upstream", () => {
  it("is for clients with the role write that see it", () => {
    expect(check_change(client_with("write"), "app")).equal(undefined);
    expect(check_change(client_with("admin", ["a*"]), "app")).equal(undefined);
    expect(check_change(client_with("operate"), "app")?.code).equal("RoleMissing");
    expect(check_change(client_with("write", ["shop"]), "app")?.code).equal("UpstreamNotAllowed");
  });
});
