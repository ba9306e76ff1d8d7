/** docs/tutorial/06-several-gateways.md, with a real etcd and two gateways that the page starts. */
import { ownEtcd } from "./support/own_etcd.mjs";
import { withOwnGateways } from "./support/own_gateways.mjs";
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/06-several-gateways.md", {
  servers: [],
  replace: [ownEtcd],
  before: withOwnGateways([".sluice/cluster/one", ".sluice/cluster/two"]),
});
