/** docs/tutorial/12-monitoring.md, with Debian's prometheus-nginx-exporter. */
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/12-monitoring.md", {
  servers: [9001, 9002],
  // The page does not use the port 8084 for anything else. The test replaces it by a free one.
  replace: [["127.0.0.1:9113", "127.0.0.1:8084"]],
});
