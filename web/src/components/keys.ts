import { useEffect, useRef } from "preact/hooks";

/** Keyboard commands of the page. */

type Commands = Record<string, (event: KeyboardEvent) => void>;

/** Tells whether a key belongs to the element that has the focus. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea, [contenteditable]");
}

/** Tells whether a dialog is open, whose keys come first. */
function isCovered(): boolean {
  return document.querySelector("dialog[open]") !== null;
}

/**
 * Calls a function for a key, while nothing is typed and no dialog is open.
 *
 * @param commands by `KeyboardEvent.key`
 */
export function useKeys(commands: Commands): void {
  const current = useRef(commands);
  current.current = commands;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isCovered()) return;
      const command = current.current[event.key];
      if (command === undefined || event.defaultPrevented) return;
      event.preventDefault();
      command(event);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}
