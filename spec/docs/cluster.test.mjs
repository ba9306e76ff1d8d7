/** docs/reference/cluster.md: the gateway of its call of setup(). */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/cluster.md", { etcd: true, conf: "spec/docs/support/cluster.conf" });
