import type { Refusal } from "../api/failure.js";
import { FailurePanel } from "./failure.js";

/** What could not be listed, so that what is shown is not taken for the whole. */
export function Refused({ refused, open = false }: { refused: readonly Refusal[]; open?: boolean }) {
  if (refused.length === 0) {
    return null;
  }
  return (
    <details class="card refused" open={open}>
      <summary>
        Refused to this principal: {refused.map(({ what }) => what).join(", ")}
      </summary>
      {refused.map(({ what, failure }) => (
        <section key={what}>
          <h3>{what}</h3>
          <FailurePanel failure={failure} />
        </section>
      ))}
    </details>
  );
}
