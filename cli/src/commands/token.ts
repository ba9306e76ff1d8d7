import type { Command } from "commander";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { text as textOf } from "node:stream/consumers";
import { Failure, fileCause } from "../failure";
import { ask } from "../output/ask";
import { print } from "../output/terminal";
import { addVerb } from "./verb";

async function readToken(file: string | undefined): Promise<string> {
  if (file === undefined || file === "-")
    return process.stdin.isTTY ? ((await ask("Token: ", true)) ?? "") : textOf(process.stdin);
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Failure(`could not read ${file}: ${fileCause(cause)}`);
  }
}

async function hash(file: string | undefined): Promise<void> {
  const token = (await readToken(file)).trim();
  if (!/^[!-~]+$/.test(token)) throw new Failure("the token must be one word of printable ASCII characters");
  print(createHash("sha256").update(token).digest("hex"));
}

export function addToken(program: Command): void {
  const token = program.command("token").description("help with tokens");
  addVerb(
    token,
    "hash [file]",
    "print the SHA-256 of a token, for `sha256` in api.tokens_file",
    "sluice token hash                        # asks for the token",
    "sluice token hash ~/.config/sluice.token",
    "openssl rand -hex 16 | tee token | sluice token hash",
  ).action(hash);
}
