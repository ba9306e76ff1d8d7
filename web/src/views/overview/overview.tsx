import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import { EventList } from "../../components/event_list";
import { useHeights } from "../../components/heights";
import { Search } from "../../components/search";
import { SortSelect } from "../../components/sort_select";
import { Table } from "../../components/table";
import { compareUpstreams, type Sort, type UpstreamColumn } from "../../model/order";
import { upstreamHash } from "../../model/route";
import { events } from "../../state/events";
import { overview, type Overview as Data, type Upstream } from "../../state/overview";
import { useStore } from "../../state/store";
import { cellsOf, COLUMNS, shownIssues } from "./columns";
import { Summary } from "./summary";

/** The first screen: all upstreams, the worst first. */

const HEIGHTS = { row: 36, card: 64 };
/** Rows do not change their places more often than this, in milliseconds, unless one becomes better or worse. */
const SORT_PERIOD = 5000;

const BY_STATE: Sort<UpstreamColumn> = { column: "state", isDescending: false };

/** Kept while the page is open, so that the way back from an upstream leads to the same place. */
const kept = { query: "", isFiltered: false, sort: BY_STATE, selected: undefined as string | undefined };

function matches({ summary, severity }: Upstream, query: string, isFiltered: boolean): boolean {
  if (isFiltered && severity !== "critical" && severity !== "warning") return false;
  const { name, method, worst } = summary;
  return (
    query === "" ||
    [name, method, worst?.server ?? "", worst?.state ?? ""].some((text) => text.toLowerCase().includes(query))
  );
}

/** Returns the rows in order. The order is kept for some seconds while only figures change. */
function useRows(
  { upstreams, totals }: Data,
  query: string,
  isFiltered: boolean,
  sort: Sort<UpstreamColumn>,
) {
  const last = useRef({ reason: "", time: -Infinity, rows: [] as Upstream[] });
  const reason = JSON.stringify([query, isFiltered, sort, upstreams.size, totals.severities]);
  const isDue = performance.now() - last.current.time > SORT_PERIOD;
  if (reason !== last.current.reason || isDue) {
    const wanted = query.trim().toLowerCase();
    const rows = [...upstreams.values()].filter((upstream) => matches(upstream, wanted, isFiltered));
    last.current = { reason, time: performance.now(), rows: rows.sort(compareUpstreams(sort)) };
  }
  return last.current.rows;
}

function Toolbar(props: {
  query: string;
  onQuery: (query: string) => void;
  isFiltered: boolean;
  onFilter: (isFiltered: boolean) => void;
  data: Data;
}) {
  const { critical, warning } = props.data.totals.severities;
  const choice = (isFiltered: boolean, label: string, number: number) => (
    <button
      type="button"
      aria-pressed={props.isFiltered === isFiltered}
      onClick={() => props.onFilter(isFiltered)}
    >
      {label} <span class="number">{number.toLocaleString("en-US")}</span>
    </button>
  );
  return (
    <>
      <Search label="Search upstreams" value={props.query} onInput={props.onQuery} />
      <div class="choices" role="group" aria-label="Which upstreams">
        {choice(false, "All", props.data.upstreams.size)}
        {choice(true, "Attention", critical + warning)}
      </div>
    </>
  );
}

export function Overview() {
  const data = useStore(overview);
  const { list, failure } = useStore(events);
  const [query, setQuery] = useState(kept.query);
  const [isFiltered, setFiltered] = useState(kept.isFiltered);
  const [sort, setSort] = useState(kept.sort);
  const [selected, setSelected] = useState(kept.selected);
  Object.assign(kept, { query, isFiltered, sort, selected });
  const height = useHeights(HEIGHTS);
  const rows = useRows(data, query, isFiltered, sort);
  const now = data.gateway?.now ?? 0;
  const heightOf = useCallback(
    (upstream: Upstream) => height(shownIssues(upstream).map(({ text }) => text)),
    [height, data],
  );
  const latest = useMemo(() => list.slice(0, 50), [list]);
  if (data.gateway === undefined) return <p class="loading">Loading…</p>;
  return (
    <div class="overview">
      <Summary data={data} />
      <section class="main" aria-label="Upstreams">
        <div class="toolbar">
          <Toolbar
            query={query}
            onQuery={setQuery}
            isFiltered={isFiltered}
            onFilter={setFiltered}
            data={data}
          />
          <SortSelect columns={COLUMNS} sort={sort} onSort={setSort} />
        </div>
        <Table
          label="Upstreams"
          kind="upstreams"
          columns={COLUMNS}
          rows={rows}
          version={data}
          keyOf={({ summary }) => summary.name}
          heightOf={heightOf}
          classOf={({ severity }) => severity}
          hrefOf={({ summary }) => upstreamHash(summary.name)}
          cellsOf={(upstream) => cellsOf(upstream, now)}
          sort={sort}
          onSort={setSort}
          selected={selected}
          onSelect={setSelected}
        />
        {rows.length === 0 && <p class="empty">No upstream matches.</p>}
      </section>
      <aside class="latest" aria-label="Latest events">
        <h2>Latest</h2>
        {failure !== undefined && <p class="quiet">Events are interrupted: {failure}.</p>}
        <div class="scroll" tabIndex={0} role="region" aria-label="List of events">
          <EventList list={latest} hasNames={true} />
        </div>
      </aside>
    </div>
  );
}
