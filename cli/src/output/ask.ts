import { createInterface } from "node:readline";
import { Writable } from "node:stream";

/** Asks the user of the terminal. */

/**
 * Asks a question. Returns the answer; undefined: the user has ended the input or pressed Ctrl-C.
 *
 * @param isSecret the terminal does not show the answer
 */
export async function ask(question: string, isSecret = false): Promise<string | undefined> {
  const silent = new Writable({ write: (_piece, _encoding, done) => done() });
  const output = isSecret ? silent : process.stderr;
  // The terminal shows what is typed until the interface is there.
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  if (isSecret) process.stderr.write(question);
  const answered = await new Promise<string | undefined>((resolve) => {
    terminal.once("close", () => resolve(undefined));
    terminal.question(isSecret ? "" : question, resolve);
  });
  terminal.close();
  if (isSecret) process.stderr.write("\n");
  return answered;
}
