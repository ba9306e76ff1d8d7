import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal } from "../api/client";
import { Modal } from "../components/modal";
import { sentence } from "../model/issues";
import { carryOut, type Action } from "../state/action";
import { askNow } from "../state/feed";
import { DrainForm } from "./drain_form";
import { ADDABLE, EDITABLE, valuesOf, type Field } from "./fields";
import { Form } from "./form";
import { isDangerous, planOf, TITLES, VERBS, type Entered } from "./planning";
import { Review } from "./review";
import { useConfig } from "./use_config";

/** The dialog of an action: its form, the change as it would be made, and what came of it. */

/** Why the change was not made. */
interface Problem {
  text: string;
  /** The gateway would make the change if it is told to. */
  mayForce: boolean;
}

function problemOf(cause: unknown, upstream: string): Problem {
  if (!(cause instanceof Refusal)) return { text: String(cause), mayForce: false };
  if (cause.status === 412) {
    const text = `Someone else has changed ${upstream} meanwhile, so nothing was changed. This is how it is now: check it and try again.`;
    return { text, mayForce: false };
  }
  if (cause.status === 0)
    return {
      text: `The gateway has not answered: ${cause.message}. It is not known whether the change was made.`,
      mayForce: false,
    };
  return { text: `${sentence(cause.message)}.`, mayForce: cause.code === "WouldEmptyUpstream" };
}

function fieldsOf({ kind }: Action): readonly Field[] {
  if (kind === "add") return ADDABLE;
  if (kind === "edit") return EDITABLE;
  return kind === "weight" ? EDITABLE.filter(({ name }) => name === "weight") : [];
}

const NOTHING: Entered = { values: {}, drain: { isRemoved: true, deadline: "" } };

export function ActionDialog({ action, onClose }: { action: Action; onClose: () => void }) {
  const { kind, upstream } = action;
  const [{ config, etag, failure }, reload] = useConfig(action);
  const [entered, setEntered] = useState(NOTHING);
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const fields = fieldsOf(action);
  const plan = planOf(action, config, entered);
  const isReady = kind === "add" || config !== undefined;
  const values = { ...(config === undefined ? {} : valuesOf(config, fields)), ...entered.values };

  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (isReady) form.current?.querySelector<HTMLElement>("input, [type=submit]")?.focus();
  }, [isReady]);

  const submit = async (isForced: boolean): Promise<void> => {
    if (plan === undefined || isSending) return;
    setSending(true);
    try {
      await carryOut(plan, etag, isForced);
      onClose();
    } catch (cause) {
      setProblem(problemOf(cause, upstream));
      if (cause instanceof Refusal && cause.status === 412) {
        await reload();
        askNow();
      }
      setSending(false);
    }
  };

  return (
    <Modal
      title={`${TITLES[kind]} ${config?.server ?? (kind === "add" ? `to ${upstream}` : "")}`.trim()}
      onClose={onClose}
    >
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          void submit(false);
        }}
      >
        {failure !== undefined && (
          <p role="alert" class="problem">
            {sentence(failure.message)}.
          </p>
        )}
        {!isReady && failure === undefined && <p class="quiet">Loading…</p>}
        {isReady && kind === "drain" && (
          <DrainForm choice={entered.drain} onChange={(drain) => setEntered({ ...entered, drain })} />
        )}
        {isReady && fields.length > 0 && (
          <Form
            fields={fields}
            values={values}
            onChange={(next) => setEntered({ ...entered, values: next })}
          />
        )}
        {isReady && <Review plan={plan} etag={etag} />}
        {problem !== undefined && (
          <p role="alert" class="problem">
            {problem.text}
          </p>
        )}
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          {problem?.mayForce === true && (
            <button type="button" class="danger" disabled={isSending} onClick={() => void submit(true)}>
              Do it anyway
            </button>
          )}
          <button
            type="submit"
            class={isDangerous(kind) ? "danger" : "primary"}
            disabled={plan === undefined || isSending}
          >
            {VERBS[kind]}
          </button>
        </div>
      </form>
    </Modal>
  );
}
