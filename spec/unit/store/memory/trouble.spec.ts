import { nginx } from "../../support/nginx_stub";

import { delete_report, put_report } from "../../../../src/resty/sluice/store/memory/dict";
import { note_trouble, trouble_of } from "../../../../src/resty/sluice/store/memory/trouble";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

const KEY = "trouble:tokens_file";

function note(cause: string | undefined): void {
  note_trouble("tokens_file", cause, (news) => news ?? "valid again");
}

describe("a failure that lasts", () => {
  before_each(() => {
    make_dict();
    nginx.log = [];
  });

  it("is logged once, and so is its end", () => {
    note("broken");
    note("broken");
    expect(trouble_of("tokens_file")).equal("broken");
    note(undefined);
    note(undefined);
    expect(nginx.log).same(["sluice: broken", "sluice: valid again"]);
  });

  it("is not logged again when another worker has logged it, but its end is", () => {
    put_report(KEY, "broken");
    note("broken");
    note(undefined);
    expect(nginx.log).same(["sluice: valid again"]);
  });

  it("is logged again when it comes back after another worker has seen its end", () => {
    note("broken");
    delete_report(KEY);
    note("broken");
    expect(nginx.log).same(["sluice: broken", "sluice: broken"]);
  });
});
