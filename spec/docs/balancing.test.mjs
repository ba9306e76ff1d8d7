/** docs/reference/balancing.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/balancing.md");
