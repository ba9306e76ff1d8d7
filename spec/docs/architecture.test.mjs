/** docs/architecture.md and docs/decisions */
import { testPage } from "./support/page_test.mjs";

testPage("docs/architecture.md");
testPage("docs/decisions/README.md");
testPage("docs/decisions/eevdf.md");
testPage("docs/decisions/etcd.md");
testPage("docs/decisions/mapped-memory.md");
testPage("docs/decisions/median.md");
testPage("docs/decisions/removal-guard.md");
testPage("docs/decisions/server-line.md");
testPage("docs/decisions/typescript-to-lua.md");
