import {
  full_names,
  parse_hosts,
  parse_resolv_conf,
  type LookupOptions,
} from "../../../../src/resty/sluice/net/dns/system";
import { expect } from "../../support/expect";

describe("a resolv.conf", () => {
  it("names servers, search domains and options", () => {
    const { resolvers, search, ndots } = parse_resolv_conf(
      [
        "# a comment",
        "nameserver 10.0.0.2",
        "nameserver fd00::53 # another",
        "nameserver nonsense",
        "domain old.example",
        "search A.example b.example.",
        "options ndots:5 timeout:3",
        "options attempts:4 rotate",
      ].join("\n"),
    );
    expect(resolvers.places.map(({ server }) => server)).same(["10.0.0.2:53", "[fd00::53]:53"]);
    for (const { is_of_system } of resolvers.places) expect(is_of_system).equal(true);
    expect(search).same(["a.example", "b.example"]);
    expect(ndots).equal(5);
    expect(resolvers.patience).equal(3);
    expect(resolvers.rounds).equal(4);
  });

  it("without servers means this machine, and numbers are bounded", () => {
    const { resolvers, ndots } = parse_resolv_conf("options ndots:99 timeout:0 attempts:99\n");
    expect(resolvers.places[0].server).equal("127.0.0.1:53");
    expect(resolvers.places[0].is_of_system).equal(true);
    expect(ndots).equal(15);
    expect(resolvers.patience).equal(1);
    expect(resolvers.rounds).equal(5);
  });
});

describe("a hosts file", () => {
  it("has addresses by name, several for one name", () => {
    const hosts = parse_hosts(
      "127.0.0.1 localhost\n::1\tlocalhost ip6  # x y\n#10.0.0.1 no\n10.0.0.9 App.Example",
    );
    expect(hosts.get("localhost")).same(["127.0.0.1", "[::1]"]);
    expect(hosts.get("ip6")).same(["[::1]"]);
    expect(hosts.get("app.example")).same(["10.0.0.9"]);
    expect(hosts.get("no")).equal(undefined);
    expect(hosts.get("x")).equal(undefined);
  });
});

describe("a name with search domains", () => {
  const options = { search: ["a.example", "b.example"], ndots: 2 } as unknown as LookupOptions;

  it("is looked up in them first if it has few dots, and last otherwise", () => {
    expect(full_names(options, "app")).same(["app.a.example", "app.b.example", "app"]);
    expect(full_names(options, "app.x.y")).same(["app.x.y", "app.x.y.a.example", "app.x.y.b.example"]);
  });

  it("is absolute with a dot at its end", () => {
    expect(full_names(options, "App.")).same(["app"]);
  });
});
