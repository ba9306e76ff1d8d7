/** docs/reference/split.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/split.md", { servers: [9001, 9002] });
