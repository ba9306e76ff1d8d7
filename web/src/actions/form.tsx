import { useId } from "preact/hooks";
import type { Field, Values } from "./fields";

interface Props {
  fields: readonly Field[];
  values: Values;
  onChange: (values: Values) => void;
}

function Input({ field, values, onChange }: { field: Field } & Omit<Props, "fields">) {
  const id = useId();
  const { name, label, hint, isFlag, isNumber } = field;
  const value = values[name];
  const set = (next: string | boolean): void => onChange({ ...values, [name]: next });
  return (
    <div class={isFlag === true ? "field flag" : "field"}>
      <label for={id}>{label}</label>
      {isFlag === true ? (
        <input
          id={id}
          type="checkbox"
          checked={value === true}
          onChange={(event) => set(event.currentTarget.checked)}
        />
      ) : (
        <input
          id={id}
          type="text"
          inputMode={isNumber === true ? "numeric" : "text"}
          autocomplete="off"
          spellcheck={false}
          aria-describedby={`${id}-hint`}
          value={typeof value === "string" ? value : ""}
          onInput={(event) => set(event.currentTarget.value)}
        />
      )}
      <span class="quiet" id={`${id}-hint`}>
        {hint}
      </span>
    </div>
  );
}

/** The fields of a form. */
export function Form({ fields, values, onChange }: Props) {
  return (
    <div class="fields">
      {fields.map((field) => (
        <Input key={field.name} field={field} values={values} onChange={onChange} />
      ))}
    </div>
  );
}
