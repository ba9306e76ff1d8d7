/** docs/tutorial/03-etcd.md, with a real etcd that the page starts and stops. */
import { ownEtcd } from "./support/own_etcd.mjs";
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/03-etcd.md", {
  servers: [9001, 9002],
  replace: [ownEtcd],
  volatile: ["error"],
  log: [/etcd/],
});
