import { useRef } from "preact/hooks";
import { useKeys } from "./keys";

interface Props {
  label: string;
  value: string;
  onInput: (value: string) => void;
}

/** A field that filters a table. "/" moves the focus to it, and Escape out of it again. */
export function Search({ label, value, onInput }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => input.current?.select() });
  return (
    <div class="search">
      <svg class="search-icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <path
          d="M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9zM10.3 10.3L14 14"
          fill="none"
          stroke="currentColor"
          stroke-width="1.6"
        />
      </svg>
      <input
        ref={input}
        type="search"
        aria-label={label}
        placeholder={label}
        aria-keyshortcuts="/"
        value={value}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          if (value === "") event.currentTarget.blur();
          else onInput("");
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}
