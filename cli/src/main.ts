import { Failure, messageOf, Status } from "./failure";
import { clean } from "./output/text";
import { newProgram } from "./program";

/** The version of the package, which the build inserts. */
declare const SLUICE_VERSION: string;

// For example `head`, which ends before the command does.
process.stdout.on("error", (cause: NodeJS.ErrnoException) => {
  if (cause.code === "EPIPE") process.exit(Status.DONE);
  throw cause;
});

try {
  await newProgram(SLUICE_VERSION).parseAsync();
} catch (cause) {
  const lines = cause instanceof Failure ? cause.lines : [`unexpected failure: ${messageOf(cause)}`];
  for (const line of lines) process.stderr.write(`sluice: ${clean(line)}\n`);
  process.exitCode = Status.FAILED;
}
