/** docs/reference/access.md, with the gateway of support/access.conf. */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/access.md", { conf: "spec/docs/support/access.conf" });
