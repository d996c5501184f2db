import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { ownDenial, type Question } from "../access/verdict.js";
import type { Denial } from "../api/failure.js";
import { useStore } from "../model/store.js";
import { session } from "../session/session.js";
import { DenialFacts } from "./failure.js";

interface Props {
  children: ComponentChildren;
  onClick: () => void;
  /** What the principal must be allowed; undefined if nobody can say in advance. */
  ask?: Question | undefined;
  kind?: "primary" | "danger" | "plain";
  disabled?: boolean;
  label?: string;
}

/**
 * A button for what the principal may do. If it may not, the button stays in the tab order, does nothing, and its description names the
 * missing action and the roles that grant it.
 */
export function ActionButton({ children, onClick, ask, kind = "plain", disabled = false, label }: Props) {
  const denial = useDenial(ask);
  const id = useId();
  if (denial === undefined) {
    return (
      <button type="button" class={kind} disabled={disabled} aria-label={label} onClick={onClick}>
        {children}
      </button>
    );
  }
  return (
    <span class="denied">
      <button type="button" class={kind} aria-disabled="true" aria-label={label} aria-describedby={id}>
        {children}
      </button>
      <span class="denied-why" role="tooltip" id={id}>
        <DenialFacts denial={denial} />
      </span>
    </span>
  );
}

/** What the signed-in principal lacks; undefined while it is not known. */
export function useDenial(question: Question | undefined): Denial | undefined {
  const current = useStore(session);
  const [denial, setDenial] = useState<Denial | undefined>(undefined);
  const key = JSON.stringify(question);
  useEffect(() => {
    let wanted = true;
    setDenial(undefined);
    if (question !== undefined) {
      void ownDenial(question).then((found) => wanted && setDenial(found));
    }
    return () => {
      wanted = false;
    };
  }, [key, current?.id]);
  return denial;
}
