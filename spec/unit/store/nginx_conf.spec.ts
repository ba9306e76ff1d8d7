import {
  conf_option,
  included,
  read_file,
  without_comments,
} from "../../../src/resty/sluice/store/nginx_conf";
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

  it("is searched without its comments", () => {
    expect(without_comments("#a\nb # c\n  # d\n#\n")).equal("\n\nb # c\n\n\n");
  });
});

describe("a file", () => {
  const path = os.tmpname();

  function write(length: number): void {
    const file = assert(io.open(path, "wb")[0]);
    file.write(string.rep("x", length));
    file.close();
  }

  after_each(() => {
    os.remove(path);
  });

  it("is read completely, even when it is empty", () => {
    for (const length of [0, 1, 4 * 1024 * 1024]) {
      write(length);
      expect(read_file(path) === string.rep("x", length)).equal(true);
    }
  });

  it("is unknown when it is longer than 4 MiB, absent, or a folder", () => {
    write(4 * 1024 * 1024 + 1);
    expect(read_file(path)).equal(undefined);
    expect(read_file("/")).equal(undefined);
    expect(read_file(`${path}.absent`)).equal(undefined);
  });
});
