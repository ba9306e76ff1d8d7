/** docs/reference/command.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/command.md", { servers: [9001, 9002, 9003] });
