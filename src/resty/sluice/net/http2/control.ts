import {
  ACK,
  ErrorCode,
  error_name,
  format_frame,
  FrameType,
  has_flag,
  LARGEST_FRAME,
  uint31_at,
  uint32_at,
  type Frame,
} from "./frame";
import { broken, fault, STREAM, type Exchange, type Fault } from "./state";

/** The frames of HTTP/2 that control the connection. Each function returns why the connection is given up. */

/** The identifiers of settings that concern this side. */
const ENABLE_PUSH = 2;
const INITIAL_WINDOW_SIZE = 4;
const MAX_FRAME_SIZE = 5;
const SETTING_BYTES = 6;
const LARGEST_WINDOW = 2147483647;
const LARGEST_FRAME_LIMIT = 16777215;

function wrong_size(name: string): Fault {
  return fault(ErrorCode.FRAME_SIZE_ERROR, `it sent a ${name} of a wrong size`);
}

function change_setting(exchange: Exchange, id: number, value: number): Fault | undefined {
  if (id === ENABLE_PUSH && value !== 0) return broken("it wants to be pushed to");
  if (id === MAX_FRAME_SIZE && (value < LARGEST_FRAME || value > LARGEST_FRAME_LIMIT))
    return broken("a wrong MAX_FRAME_SIZE");
  if (id !== INITIAL_WINDOW_SIZE) return undefined;
  exchange.stream_window += value - exchange.initial_window;
  exchange.initial_window = value;
  const is_too_large = value > LARGEST_WINDOW || exchange.stream_window > LARGEST_WINDOW;
  return is_too_large ? fault(ErrorCode.FLOW_CONTROL_ERROR, "its window is too large") : undefined;
}

/** SETTINGS are acknowledged. The request was sent before, under the settings that hold from the start. */
export function change_settings(this: void, exchange: Exchange, frame: Frame): Fault | undefined {
  const { flags, stream, payload } = frame;
  if (stream !== 0) return broken("SETTINGS of a stream");
  if (has_flag(flags, ACK)) return payload === "" ? undefined : wrong_size("SETTINGS");
  if (payload.length % SETTING_BYTES !== 0) return wrong_size("SETTINGS");
  for (const position of $range(1, payload.length, SETTING_BYTES)) {
    const [high, low] = string.byte(payload, position, position + 1);
    const wrong = change_setting(exchange, high * 256 + low, uint32_at(payload, position + 2));
    if (wrong !== undefined) return wrong;
  }
  exchange.peer.send(format_frame(FrameType.SETTINGS, ACK, 0));
  return undefined;
}

/** The window of the other side only grows: everything was sent before, within the first window. */
export function note_window(this: void, exchange: Exchange, { stream, payload }: Frame): Fault | undefined {
  if (payload.length !== 4) return wrong_size("WINDOW_UPDATE");
  const more = uint31_at(payload, 1);
  if (more === 0) return broken("WINDOW_UPDATE by 0");
  if (stream === 0) exchange.connection_window += more;
  else if (stream === STREAM) exchange.stream_window += more;
  else return broken("WINDOW_UPDATE of a stream that was not opened");
  const is_too_large = exchange.connection_window > LARGEST_WINDOW || exchange.stream_window > LARGEST_WINDOW;
  return is_too_large ? fault(ErrorCode.FLOW_CONTROL_ERROR, "its window is too large") : undefined;
}

export function pong(this: void, exchange: Exchange, { flags, stream, payload }: Frame): Fault | undefined {
  if (stream !== 0) return broken("PING of a stream");
  if (payload.length !== 8) return wrong_size("PING");
  if (!has_flag(flags, ACK)) exchange.peer.send(format_frame(FrameType.PING, ACK, 0, payload));
  return undefined;
}

export function reset_reason({ stream, payload }: Frame): Fault | undefined {
  if (stream !== STREAM) return broken("RST_STREAM of a stream that was not opened");
  if (payload.length !== 4) return wrong_size("RST_STREAM");
  return fault(ErrorCode.NO_ERROR, `it reset the stream with ${error_name(uint32_at(payload, 1))}`);
}

/** After GOAWAY the answer may still come, unless the other side has not processed the request. */
export function refusal_of_goaway(this: void, exchange: Exchange, frame: Frame): Fault | undefined {
  const { stream, payload } = frame;
  if (stream !== 0) return broken("GOAWAY of a stream");
  if (payload.length < 8) return wrong_size("GOAWAY");
  const name = error_name(uint32_at(payload, 5));
  if (uint31_at(payload, 1) < STREAM)
    return fault(ErrorCode.NO_ERROR, `it refused the request with GOAWAY (${name})`);
  exchange.farewell = ` after GOAWAY (${name})`;
  return undefined;
}
