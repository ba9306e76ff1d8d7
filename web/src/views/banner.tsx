import { duration } from "../model/words";
import { sentence } from "../model/issues";
import { connection, dataAge, isStale, needsToken, type Connection } from "../state/connection";
import { askNow } from "../state/feed";
import { second } from "../state/time";
import { useStore } from "../state/store";
import { TokenForm } from "./token_form";

/** A notice while the gateway does not answer, or refuses to. */

function reasonOf({ failure }: Connection): string {
  if (failure === undefined) return "";
  return failure.status === 0
    ? `The gateway does not answer: ${failure.message}.`
    : `${sentence(failure.message)}.`;
}

export function Banner() {
  useStore(second);
  const state = useStore(connection);
  const age = dataAge(state);
  if (state.failure === undefined || (age !== undefined && !isStale(state))) return null;
  if (needsToken(state))
    return age === undefined ? null : (
      <TokenForm reason="The gateway no longer accepts the token." mustWrite={false} />
    );
  const left = Math.max(0, Math.ceil((state.nextTry - performance.now()) / 1000));
  return (
    <div class="banner" role="alert">
      <p>
        <b>{age === undefined ? "There is no data." : `The data is ${duration(age)} old.`}</b>{" "}
        {reasonOf(state)} <span aria-live="off">{left > 0 ? `Next try in ${left} s.` : "Trying …"}</span>
      </p>
      <button type="button" onClick={askNow}>
        Try now
      </button>
    </div>
  );
}
