import { useId } from "preact/hooks";

/** How a server is drained. */
export interface DrainChoice {
  /** False: it stays, and only gets no new requests. */
  isRemoved: boolean;
  /** An nginx time; "": none. */
  deadline: string;
}

interface Props {
  choice: DrainChoice;
  onChange: (choice: DrainChoice) => void;
}

export function DrainForm({ choice, onChange }: Props) {
  const id = useId();
  const option = (isRemoved: boolean, label: string) => (
    <label class="option">
      <input
        type="radio"
        name={id}
        checked={choice.isRemoved === isRemoved}
        onChange={() => onChange({ ...choice, isRemoved })}
      />{" "}
      {label}
    </label>
  );
  return (
    <div class="fields">
      {option(true, "Drain it, then remove it")}
      {option(false, "Only drain it: it stays, without new requests")}
      {choice.isRemoved && (
        <div class="field">
          <label for={`${id}-deadline`}>At the latest after</label>
          <input
            id={`${id}-deadline`}
            type="text"
            autocomplete="off"
            placeholder="no limit"
            aria-describedby={`${id}-hint`}
            value={choice.deadline}
            onInput={(event) => onChange({ ...choice, deadline: event.currentTarget.value })}
          />
          <span class="quiet" id={`${id}-hint`}>
            such as 60s or 5m
          </span>
        </div>
      )}
    </div>
  );
}
