import { folder_of } from "../../../src/resty/sluice/config/texts";
import { expect } from "../support/expect";

describe("the prefix of the keys below another prefix", () => {
  const prefixes: [prefix: string, folder: string][] = [
    ["/upstreams/app", "/upstreams/app/"],
    ["/upstreams/app/", "/upstreams/app/"],
    ["/upstreams/app-", "/upstreams/app-/"],
    ["app_1", "app_1/"],
    ["upstreams:app:", "upstreams:app:"],
    ["upstreams.app.", "upstreams.app."],
  ];
  for (const [prefix, folder] of prefixes) {
    it(`ends at a separator: ${prefix}`, () => {
      expect(folder_of(prefix)).equal(folder);
    });
  }
});
