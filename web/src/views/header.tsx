import { useState } from "preact/hooks";
import { readToken } from "../api/token";
import { Modal } from "../components/modal";
import { duration } from "../model/words";
import { connection, dataAge, isStale } from "../state/connection";
import { overview } from "../state/overview";
import { forgetToken } from "../state/permission";
import { second } from "../state/time";
import { useStore } from "../state/store";
import { TokenForm } from "./token_form";

/** The head of the page: which gateway it shows, how old the data is, and whether it may change anything. */

function Freshness() {
  useStore(second);
  const state = useStore(connection);
  const age = dataAge(state);
  if (age === undefined) return <span class="freshness">connecting</span>;
  if (isStale(state)) return <span class="freshness stale">{duration(age)} old</span>;
  return <span class="freshness live">live</span>;
}

function Permission() {
  const { gateway } = useStore(overview);
  const [isAsking, setAsking] = useState(false);
  if (gateway === undefined) return null;
  if (gateway.may_write)
    return readToken() === undefined ? null : (
      <button type="button" onClick={forgetToken} title="Forgets the token">
        Lock
      </button>
    );
  if (!gateway.write_needs_token)
    return (
      <span class="tag" title="The gateway accepts no changes from here">
        read-only
      </span>
    );
  return (
    <>
      <span class="tag">read-only</span>
      <button type="button" onClick={() => setAsking(true)}>
        Unlock
      </button>
      {isAsking && (
        <Modal title="Make changes" onClose={() => setAsking(false)}>
          <TokenForm
            reason="Changes need a token that may write."
            mustWrite={true}
            onDone={() => setAsking(false)}
          />
        </Modal>
      )}
    </>
  );
}

export function Header({ onHelp }: { onHelp: () => void }) {
  const { gateway } = useStore(overview);
  return (
    <header class="page-head">
      <a href="#/" class="brand">
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
          <path d="M3 2v16M17 2v16" fill="none" stroke="currentColor" stroke-width="2" />
          <path d="M6 3h8v6H6z" fill="currentColor" />
          <path
            d="M5.5 13c1.5-1.2 3-1.2 4.5 0s3 1.2 4.5 0M5.5 16.5c1.5-1.2 3-1.2 4.5 0s3 1.2 4.5 0"
            class="water"
          />
        </svg>
        Sluice
      </a>
      <span class="host">{location.host}</span>
      <span class="version">{gateway?.version}</span>
      <span class="space" />
      <Freshness />
      <Permission />
      <button type="button" class="help" onClick={onHelp} aria-label="Keys" aria-keyshortcuts="?">
        ?
      </button>
    </header>
  );
}
