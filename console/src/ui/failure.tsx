import { Code } from "@connectrpc/connect";
import { type ComponentChildren, Fragment } from "preact";
import type { Denial, Failure } from "../api/failure.js";
import { principalName } from "../session/config.js";
import type { Loaded } from "./hooks.js";

/** The missing action, and what would grant it. */
export function DenialFacts({ denial }: { denial: Denial }) {
  return (
    <dl class="facts">
      <dt>Missing action</dt>
      <dd>
        <code>{denial.action}</code>
      </dd>
      <dt>At the scope</dt>
      <dd>
        <code>{denial.scope}</code>
      </dd>
      {denial.permission !== undefined && (
        <>
          <dt>Access policy permission</dt>
          <dd>{denial.permission}</dd>
        </>
      )}
      {(denial.roles.length > 0 || denial.permission === undefined) && (
        <>
          <dt>Roles that grant it</dt>
          <dd>{denial.roles.length > 0 ? denial.roles.join(", ") : "none is known"}</dd>
        </>
      )}
      <dt>Principal</dt>
      <dd>{principalName(denial.principal)}</dd>
    </dl>
  );
}

/** An error with what the service says about it. */
export function FailurePanel({ failure, retry }: { failure: Failure; retry?: () => void }) {
  const { message, reason, denial, facts, code } = failure;
  return (
    <div class="failure" role="alert">
      <p class="failure-message">{denial === undefined ? message : `Not permitted: ${message}`}</p>
      {denial !== undefined && <DenialFacts denial={denial} />}
      {denial === undefined && facts.size > 0 && (
        <dl class="facts">
          {[...facts].map(([name, value]) => (
            <Fragment key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </Fragment>
          ))}
        </dl>
      )}
      <p class="failure-foot">
        {(reason ?? code) !== undefined && <code>{reason ?? Code[code as Code]}</code>}
        {retry !== undefined && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )}
      </p>
    </div>
  );
}

/** What is fetched, or the error, or that it is being fetched. */
export function Show<T>({ of, what, children }: { of: Loaded<T>; what: string; children: (value: T) => ComponentChildren }) {
  if (of.failure !== undefined) {
    return <FailurePanel failure={of.failure} retry={of.reload} />;
  }
  if (of.value === undefined) {
    return (
      <p class="loading" role="status">
        Loading {what}…
      </p>
    );
  }
  return <div aria-busy={of.busy}>{children(of.value)}</div>;
}
