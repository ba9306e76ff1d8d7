import { isIPv4, isIPv6 } from "node:net";

/** Returns the four or 16 bytes of an IP address, as `inet_pton` does; undefined: it is none. */
export function ipBytes(text: string, isV6: boolean): number[] | undefined {
  if (!isV6) return isIPv4(text) ? text.split(".").map(Number) : undefined;
  // inet_pton knows no zones.
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const [, hexadecimal = text, dotted] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  const tail = dotted === undefined ? [] : dotted.split(".").map(Number);
  const [before = "", after] = hexadecimal.split("::");
  const groupsOf = (part: string) => part.split(":").filter((group) => group !== "");
  const bytesOf = (part: string) =>
    groupsOf(part).flatMap((group) => {
      const number = parseInt(group, 16);
      return [number >> 8, number & 255];
    });
  const head = bytesOf(before);
  if (after === undefined) return [...head, ...tail];
  const rest = [...bytesOf(after), ...tail];
  return [...head, ...new Array<number>(16 - head.length - rest.length).fill(0), ...rest];
}
