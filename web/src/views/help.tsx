import { Modal } from "../components/modal";

const KEYS: [keys: string[], effect: string][] = [
  [["/"], "search"],
  [["j", "k"], "next and previous row; the arrow keys do the same"],
  [["Enter"], "open the row"],
  [["Esc"], "close, or go back"],
  [["1", "…", "5"], "parts of an upstream"],
  [["a"], "add a server"],
  [["d"], "drain the server, or stop draining"],
  [["s"], "take the server down, or bring it up"],
  [["w"], "change its weight"],
  [["e"], "edit it"],
  [["t"], "put it on standby, or take it into service"],
  [["x"], "delete it"],
  [["z"], "undo"],
  [["u"], "all upstreams"],
  [["?"], "this list"],
];

/** The list of keys. */
export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Modal title="Keys" onClose={onClose}>
      <dl class="keys">
        {KEYS.map(([keys, effect]) => (
          <div key={effect}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{effect}</dd>
          </div>
        ))}
      </dl>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Modal>
  );
}
