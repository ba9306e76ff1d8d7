/** docs/reference/health.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/health.md");
