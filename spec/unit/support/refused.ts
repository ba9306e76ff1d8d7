import { read_upstream, type UpstreamConfig } from "../../../src/resty/sluice/config/upstream";
import { encode } from "../../../src/resty/sluice/lib/json";
import { expect } from "./expect";

const [APP] = read_upstream({ servers: [{ server: "127.0.0.1:9001" }] });

/** Expects that an upstream is refused, both new and as a change, with a problem that names a field. */
export function refuses(input: Record<string, unknown>, path: string, says = `"${path}"`): void {
  it(`${encode(input).substring(0, 100)} is refused`, () => {
    for (const is_change of [false, true]) {
      const base = is_change ? (APP as UpstreamConfig) : undefined;
      const [config, problem] = read_upstream(input, base);
      expect(config).equal(undefined);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).contains(says);
    }
  });
}
