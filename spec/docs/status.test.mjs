/** docs/reference/status.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/status.md");
