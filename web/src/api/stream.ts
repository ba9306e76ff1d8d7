import { commonHeaders, prefix, refusalOf, Refusal } from "./client";
import { StreamReader, type StreamEvent } from "./sse";

/** The gateway's stream of events. */

/** The number of earlier events to begin with. */
const EARLIER = 50;

/**
 * Follows the stream until it ends, which it also does when its worker exits. `EventSource` cannot send a
 * token.
 *
 * @param cursor the last event that is known; undefined: none
 * @param signal ends it
 * @param onOpen is called when the gateway has accepted the request
 */
export async function followStream(
  cursor: string | undefined,
  signal: AbortSignal,
  onOpen: () => void,
  onEvent: (event: StreamEvent) => void,
): Promise<void> {
  const query = cursor === undefined ? `last=${EARLIER}` : `since=${encodeURIComponent(cursor)}`;
  const url = `${prefix}/sluice/1/events/stream?${query}`;
  const answer = await fetch(url, { headers: commonHeaders(), cache: "no-store", signal });
  if (!answer.ok) throw refusalOf(answer.status, await answer.text());
  if (answer.body === null) throw new Refusal(0, "", "the stream has no body");
  onOpen();
  const reader = new StreamReader(onEvent);
  const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) reader.push(piece.value);
}
