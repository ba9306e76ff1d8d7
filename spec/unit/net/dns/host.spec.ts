import { look_up_host, new_asker, type HostAddresses } from "../../../../src/resty/sluice/net/dns/host";
import { Section, TYPES, type DnsRecord } from "../../../../src/resty/sluice/net/dns/message";
import type { LookupOptions } from "../../../../src/resty/sluice/net/dns/system";
import { expect } from "../../support/expect";

const FAMILIES = ["A", "AAAA"];
const options = {
  families: FAMILIES,
  search: ["one", "two"],
  ndots: 1,
  reads_hosts: false,
} as unknown as LookupOptions;

/** Looks up "app" with answers by question. A question without an answer has none; "fails" is a failure. */
function look_up(answers: Record<string, string | undefined>): HostAddresses & { asked: string[] } {
  const asked: string[] = [];
  const asker = new_asker(options, new LuaTable(), (name, record_type) => {
    asked.push(`${record_type} ${name}`);
    const host = answers[`${record_type} ${name}`];
    if (host === "fails") return $multi(undefined, "SERVFAIL");
    const records: DnsRecord[] = [];
    if (host !== undefined)
      records.push({ name, type: TYPES[record_type], section: Section.ANSWER, ttl: 60, host });
    return $multi(records, undefined);
  });
  return { ...look_up_host(asker, options, "app"), asked };
}

describe("a name in search domains", () => {
  it("is that of the first domain with an address", () => {
    const { name, hosts } = look_up({ "A app.two": "10.0.0.2", "A app": "10.0.0.3" });
    expect(name).equal("app.two");
    expect(hosts).same(["10.0.0.2"]);
  });

  it("is looked up in the next domain if only one family of the first fails", () => {
    const { name, hosts, problem } = look_up({ "AAAA app.one": "fails", "A app.two": "10.0.0.2" });
    expect(name).equal("app.two");
    expect(hosts).same(["10.0.0.2"]);
    expect(problem).equal(undefined);
  });

  it("is not looked up in the next domain if nothing is answered", () => {
    const { asked, problem } = look_up({
      "A app.one": "fails",
      "AAAA app.one": "fails",
      "A app.two": "10.0.0.2",
    });
    expect(asked).same(["A app.one", "AAAA app.one"]);
    expect(problem).equal("SERVFAIL");
  });

  it("has the failure of a domain if no domain has an address", () => {
    const { name, hosts, problem, unknown } = look_up({ "AAAA app.one": "fails" });
    expect(name).equal("app.one");
    expect(hosts).same([]);
    expect(problem).equal("SERVFAIL");
    expect(unknown).same(["AAAA"]);
  });
});
