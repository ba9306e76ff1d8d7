/** docs/tutorial/12-monitoring.md, with Debian's prometheus-nginx-exporter. */
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/12-monitoring.md", {
  servers: [9001, 9002],
  // A port that the page has no other use for, and that the test replaces by a free one.
  replace: [["127.0.0.1:9113", "127.0.0.1:8084"]],
});
