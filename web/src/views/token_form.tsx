import { useId, useRef, useState } from "preact/hooks";
import { Refusal } from "../api/client";
import { tryToken } from "../state/permission";

interface Props {
  /** Why a token is needed. */
  reason: string;
  /** Whether the token must permit changes. */
  mustWrite: boolean;
  onDone?: () => void;
}

function textOf(cause: unknown): string {
  if (cause instanceof Refusal && cause.status === 401) return "The gateway does not know this token.";
  return `The token could not be tried: ${cause instanceof Error ? cause.message : String(cause)}.`;
}

/** Asks for a token, and keeps it if the gateway accepts it. */
export function TokenForm({ reason, mustWrite, onDone }: Props) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string>();
  const submit = async (): Promise<void> => {
    const token = input.current?.value.trim() ?? "";
    if (token === "") return;
    try {
      const isKept = await tryToken(token, mustWrite);
      if (isKept) onDone?.();
      else setProblem("The gateway knows this token, but it may not write, or it is not known at all.");
    } catch (cause) {
      setProblem(textOf(cause));
    }
  };
  return (
    <form
      class="token-form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p>{reason}</p>
      <label for={id}>Token</label>
      <div class="line">
        <input id={id} ref={input} type="password" autocomplete="off" spellcheck={false} />
        <button type="submit" class="primary">
          Use it
        </button>
      </div>
      {problem !== undefined && (
        <p role="alert" class="problem">
          {problem}
        </p>
      )}
      <p class="quiet">It stays in this tab, and is forgotten when the tab is closed.</p>
    </form>
  );
}
