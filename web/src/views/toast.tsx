import { useKeys } from "../components/keys";
import { notice, undoLast } from "../state/notice";
import { second } from "../state/time";
import { useStore } from "../state/store";

/** What was done last, with the button that undoes it. */
export function Toast() {
  useStore(second);
  const shown = useStore(notice);
  useKeys({ z: undoLast });
  const left = shown === undefined ? 0 : Math.max(1, Math.ceil((shown.until - performance.now()) / 1000));
  return (
    <div class="toasts" role="status">
      {shown !== undefined && (
        <div class={shown.isProblem ? "toast problem" : "toast"}>
          <span>{shown.text}</span>
          {shown.undo !== undefined && (
            <button type="button" onClick={undoLast} aria-keyshortcuts="z">
              Undo
            </button>
          )}
          {shown.undo !== undefined && (
            <span class="left" aria-hidden="true">
              {left} s
            </span>
          )}
        </div>
      )}
    </div>
  );
}
