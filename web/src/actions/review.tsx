import { prefix } from "../api/client";
import { requestText, type Plan } from "../model/plan";

/** Shows a change before it is made: the values before and after, and the exact request. */
export function Review({ plan, etag }: { plan: Plan | undefined; etag: string | undefined }) {
  if (plan === undefined) return <p class="quiet">Nothing changes yet.</p>;
  return (
    <div class="review">
      <table>
        <thead>
          <tr>
            <th scope="col">Change</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {plan.changes.map(({ name, before, after }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{before === "" ? "–" : before}</td>
              <td>
                <b>{after}</b>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {plan.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
      <pre class="request" tabIndex={0} role="region" aria-label="Request">
        {requestText(plan.request, prefix, etag)}
      </pre>
      {plan.undo === undefined && <p class="quiet">This cannot be undone from here.</p>}
    </div>
  );
}
