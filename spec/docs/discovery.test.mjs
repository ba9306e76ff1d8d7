/** docs/reference/discovery.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/discovery.md", { etcd: true });
