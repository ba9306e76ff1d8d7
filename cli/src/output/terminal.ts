import { Failure } from "../failure";
import { ask } from "./ask";

/** Writes to the terminal, and asks its user. */

export function print(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Prints what is not part of the result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

function isInteractive(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Asks a question that is answered with yes or no. */
async function confirm(question: string): Promise<boolean> {
  return /^\s*y(es)?\s*$/i.test((await ask(`${question} [y/N] `)) ?? "");
}

/**
 * Makes sure that the user wants a change that takes servers away.
 *
 * @param fact what the user has to know, as a sentence without its point
 * @param isAgreed the option --yes
 */
export async function ensureAgreed(
  fact: string,
  question: string,
  isAgreed: boolean | undefined,
): Promise<void> {
  if (isAgreed === true) return;
  if (!isInteractive()) throw new Failure(`${fact}: add --yes if that is intended`);
  if (!(await confirm(`${fact}. ${question}`))) throw new Failure("nothing was changed");
}

const isColoured = () =>
  process.stdout.isTTY && (process.env.NO_COLOR ?? "") === "" && process.env.TERM !== "dumb";

const COLOURS = { red: 31, green: 32, yellow: 33 };

/** Colours a text for a terminal that has colours. */
export function coloured(colour: keyof typeof COLOURS, text: string): string {
  return isColoured() ? `\u001b[${COLOURS[colour]}m${text}\u001b[39m` : text;
}

/** Returns functions that show the progress of something: on a terminal in one line, else in a line each. */
export function progress(): { show: (text: string) => void; end: () => void } {
  const isTerminal = process.stdout.isTTY;
  let last = "";
  return {
    show: (text) => {
      if (text === last) return;
      last = text;
      process.stdout.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
    },
    end: () => {
      if (isTerminal && last !== "") process.stdout.write("\r\u001b[K");
    },
  };
}
