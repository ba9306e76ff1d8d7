import { Command } from "commander";
import { addAdd } from "./commands/add";
import { addApply } from "./commands/apply";
import { addDiff } from "./commands/diff";
import { addDrain } from "./commands/drain";
import { addEvents } from "./commands/events";
import { addExplain } from "./commands/explain";
import { addExport } from "./commands/export";
import { addGet } from "./commands/get";
import { addHistory } from "./commands/history";
import { addImport } from "./commands/import";
import { addRemove } from "./commands/remove";
import { addRollback } from "./commands/rollback";
import { addSet } from "./commands/set";
import { addSplit } from "./commands/split";
import { addSwitches } from "./commands/switch";
import { addToken } from "./commands/token";
import { addValidate } from "./commands/validate";

const FOOTER = `
Environment:
  SLUICE_ADDRESS, SLUICE_TOKEN_FILE, SLUICE_CONTEXT, SLUICE_CA_FILE: as the options
  SLUICE_CONFIG: the file with contexts, by default ~/.config/sluice.yaml

Exit status:
  0  done
  1  refused, failed, or a mistake in the command line
  2  diff: the gateway differs; import: something was left out

Examples:
  $ sluice get app
  $ sluice add app 10.0.0.3:8080 --weight 2
  $ sluice diff -f upstreams/ && echo equal
  $ sluice get --address https://gateway.example:8443 --token-file ~/.config/sluice.token`;

/** The verbs in the order of the help. */
const VERBS = [
  addGet,
  addExplain,
  addEvents,
  addAdd,
  addSet,
  addSplit,
  addDrain,
  addSwitches,
  addRemove,
  addExport,
  addValidate,
  addDiff,
  addApply,
  addHistory,
  addRollback,
  addImport,
  addToken,
];

/** Returns a message of commander in the form of all messages. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "sluice: ")
    .replace(/\s*\n\s*/g, " ");
}

/** Makes the command with all its verbs. */
export function newProgram(version: string): Command {
  const program = new Command("sluice");
  program
    .description("Shows and changes the upstreams of a gateway.")
    .version(version, "-V, --version", "print the version")
    .option("--address <address>", "the API: http://host:port, https://host:port or unix:/path")
    .option("--token-file <path>", "a file with the token")
    .option("--context <name>", "a context of ~/.config/sluice.yaml")
    .option("--ca-file <path>", "certificates (PEM) that the gateway's certificate may be signed with")
    .option("--cert-file <path>", "the client's certificate (PEM)")
    .option("--key-file <path>", "its key (PEM)")
    .option("--insecure", "accept any certificate of the gateway")
    .addHelpText("after", FOOTER)
    .helpCommand("help [verb]", "show the help of a verb")
    .configureOutput({ outputError: (text, write) => write(`${oneLine(text)}\n`) });
  for (const addTo of VERBS) addTo(program);
  return program;
}
