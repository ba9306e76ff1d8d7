import { duration, secondsSince } from "../model/words";
import { second, gatewayTime } from "../state/time";
import { useStore } from "../state/store";

/** How long ago a moment of the gateway was; the moment itself is the title. */
export function Age({ moment }: { moment: string }) {
  useStore(second);
  return (
    <time dateTime={moment} title={new Date(moment).toLocaleString()}>
      {duration(secondsSince(moment, gatewayTime()))}
    </time>
  );
}
