/** docs/reference/metrics.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/metrics.md");
