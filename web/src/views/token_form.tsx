import { useId, useRef } from "preact/hooks";
import { restartStream } from "../state/events";
import { useToken } from "../state/feed";

/** Asks for a token. `reason`: why it is needed. */
export function TokenForm({ reason, onDone }: { reason: string; onDone?: () => void }) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const token = input.current?.value.trim() ?? "";
    if (token === "") return;
    useToken(token);
    restartStream();
    onDone?.();
  };
  return (
    <form class="token-form" onSubmit={submit}>
      <p>{reason}</p>
      <label for={id}>Token</label>
      <div class="line">
        <input id={id} ref={input} type="password" autocomplete="off" spellcheck={false} required />
        <button type="submit" class="primary">
          Use it
        </button>
      </div>
      <p class="quiet">It stays in this tab, and is forgotten when the tab is closed.</p>
    </form>
  );
}
