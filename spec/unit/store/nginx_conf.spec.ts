import { conf_option, included, without_comments } from "../../../src/resty/sluice/store/nginx_conf";
import { expect } from "../support/expect";

describe("nginx's command line", () => {
  for (const [line, path] of [
    ["nginx -c /a/nginx.conf", "/a/nginx.conf"],
    ["nginx -c/a/nginx.conf", "/a/nginx.conf"],
    ["nginx -p /prefix -e /log -c conf/x.conf -g daemon", "conf/x.conf"],
    ["nginx -qc conf/x.conf", "conf/x.conf"],
    ["nginx -p -c", undefined],
    ["nginx -g -c", undefined],
    ["nginx", undefined],
  ] as [string, string | undefined][]) {
    it(`"${line}" names ${path ?? "no configuration"}`, () => {
      expect(conf_option(`${string.gsub(line, " ", "\0")[0]}\0`)).equal(path);
    });
  }
});

describe("a configuration", () => {
  it("names the files that it includes", () => {
    const text = `include mime.types;\nhttp {include "conf.d/*.conf" ; } # more: include\t'last.conf';\n`;
    expect(table.concat(included(text), " ")).equal("mime.types conf.d/*.conf last.conf");
  });

  it("has no lines that are comments", () => {
    expect(without_comments("#a\nb # c\n  # d\n#\n")).equal("\n\nb # c\n\n\n");
  });
});
