import { upstreamHash } from "../model/route";
import type { SplitMember } from "../model/types";

/** The members of a split. */

/** Returns a share as it is shown: as exact as its weight may be. */
function shareText(share_percent: number): string {
  return `${Number(share_percent.toFixed(2))} %`;
}

/** The members with their shares in one line. */
export function SplitLine({ members }: { members: readonly SplitMember[] }) {
  const text = members.map(({ upstream, share_percent }) => `${upstream} ${shareText(share_percent)}`);
  const available = members.filter((member) => member.available).length;
  return (
    <span title={text.join(", ")}>
      {available}
      <span class="quiet">/{members.length} members</span>
    </span>
  );
}

/** A list of the members with links. */
export function SplitMembers({ members }: { members: readonly SplitMember[] }) {
  return (
    <section class="panel" aria-label="Members of the split">
      <dl class="settings">
        {members.map(({ upstream, weight, share_percent, available }) => (
          <div key={upstream} class="pair">
            <dt>
              <a href={upstreamHash(upstream)}>{upstream}</a>
            </dt>
            <dd>
              {shareText(share_percent)}{" "}
              <span class={available ? "quiet" : "bad"}>
                {available ? `weight ${weight}` : `weight ${weight}, no available server`}
              </span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
