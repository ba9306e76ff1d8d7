/** docs/reference/cluster.md, with the gateway of support/cluster.conf. */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/cluster.md", { etcd: true, conf: "spec/docs/support/cluster.conf" });
