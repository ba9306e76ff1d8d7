/** docs/reference/dashboard.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/dashboard.md");
