import type { Result } from "../../lib/result";
const SOURCE = "/dev/urandom";
const BYTES = 16;

/** Makes an unguessable secret of 32 hexadecimal digits. Any phase. */
export function new_secret(): Result<string> {
  const [file, cause] = io.open(SOURCE, "rb");
  if (file === undefined) return $multi(undefined, `could not read ${SOURCE}: ${cause ?? ""}`);
  const bytes = file.read(BYTES) ?? "";
  file.close();
  if (bytes.length < BYTES) return $multi(undefined, `could not read ${SOURCE}: it ended`);
  const [digits] = string.gsub(bytes, ".", (byte) => string.format("%02x", string.byte(byte)));
  return $multi(digits, undefined);
}

/** Returns whether a value has the form of a secret. */
export function is_secret(value: unknown): value is string {
  return typeof value === "string" && value.length === 2 * BYTES && string.find(value, "%X")[0] === undefined;
}
