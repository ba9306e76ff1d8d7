import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import { useHeights } from "../../components/heights";
import { Search } from "../../components/search";
import { SortSelect } from "../../components/sort_select";
import { Table } from "../../components/table";
import { compareServers, type Sort } from "../../model/order";
import { serverHash } from "../../model/route";
import { openAction } from "../../state/action";
import type { Detail, Server } from "../../state/detail";
import { useLimited, usePermission } from "../../state/permission";
import { cellsOf, COLUMNS, remark } from "./columns";

/** The table of an upstream's servers. */

const HEIGHTS = { row: 36, card: 90 };
/** Rows do not change their places more often than this, in milliseconds, unless a state changes. */
const SORT_PERIOD = 5000;

type ColumnId = (typeof COLUMNS)[number]["id"];

function matches({ status }: Server, query: string): boolean {
  const texts = [
    status.server,
    status.node ?? "",
    status.host ?? "",
    status.state,
    status.origin,
    status.reason,
  ];
  return query === "" || texts.some((text) => text.toLowerCase().includes(query));
}

/** Returns the servers in order. The order is kept for some seconds while only figures change. */
function useRows({ servers, status }: Detail, query: string, sort: Sort<ColumnId>): readonly Server[] {
  const last = useRef({ reason: "", time: -Infinity, ids: [] as number[] });
  const reason = JSON.stringify([query, sort, servers.size, status?.states, status?.revision]);
  if (reason !== last.current.reason || performance.now() - last.current.time > SORT_PERIOD) {
    const wanted = query.trim().toLowerCase();
    const rows = [...servers.values()].filter((server) => matches(server, wanted));
    rows.sort(compareServers(sort as Parameters<typeof compareServers>[0]));
    last.current = { reason, time: performance.now(), ids: rows.map((row) => row.status.id) };
  }
  const { ids } = last.current;
  return useMemo(() => ids.flatMap((id) => servers.get(id) ?? []), [ids, servers]);
}

function AddButton({ upstream }: { upstream: string }) {
  const permission = usePermission();
  const isLimited = useLimited();
  if (permission === "none") return <span class="tag">read-only</span>;
  if (isLimited) return null;
  return (
    <button
      type="button"
      aria-keyshortcuts="a"
      onClick={() => openAction({ kind: "add", upstream, id: undefined })}
    >
      Add a server
    </button>
  );
}

interface Props {
  data: Detail;
  selected: string | undefined;
  onSelect: (key: string) => void;
}

export function Servers({ data, selected, onSelect }: Props) {
  const [query, setQuery] = useState("");
  const [sort, setSort] = useState<Sort<ColumnId>>({ column: "state", isDescending: false });
  const height = useHeights(HEIGHTS);
  const rows = useRows(data, query, sort);
  const now = data.status?.now ?? 0;
  const heightOf = useCallback(
    ({ status }: Server) => {
      const text = remark(status);
      return height(text === undefined ? [] : [text]);
    },
    [height],
  );
  return (
    <>
      <div class="toolbar">
        <Search label="Search servers" value={query} onInput={setQuery} />
        <AddButton upstream={data.name} />
        <SortSelect columns={COLUMNS} sort={sort} onSort={setSort} />
      </div>
      <Table
        label={`Servers of ${data.name}`}
        kind="servers"
        columns={COLUMNS}
        rows={rows}
        version={data}
        keyOf={({ status }) => String(status.id)}
        heightOf={heightOf}
        classOf={({ status }) => status.state}
        hrefOf={({ status }) => serverHash(data.name, status.id)}
        cellsOf={(server) => cellsOf(server, data.name, now)}
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={onSelect}
      />
      {rows.length === 0 && (
        <p class="empty">{query === "" ? "This upstream has no servers." : "No server matches."}</p>
      )}
    </>
  );
}
