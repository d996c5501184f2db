import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
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
  if (denial !== undefined) {
    return (
      <DeniedButton denial={denial} kind={kind} label={label}>
        {children}
      </DeniedButton>
    );
  }
  return (
    <button type="button" class={kind} disabled={disabled} aria-label={label} onClick={onClick}>
      {children}
    </button>
  );
}

interface DeniedProps {
  denial: Denial;
  kind: string;
  label: string | undefined;
  children: ComponentChildren;
}

/** The description is in the top layer while the button has the focus or the pointer, so that no table cuts it off. */
function DeniedButton({ denial, kind, label, children }: DeniedProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const why = useRef<HTMLDivElement>(null);
  const show = () => {
    if (button.current !== null && why.current !== null && !why.current.matches(":popover-open")) {
      why.current.showPopover();
      place(why.current, button.current.getBoundingClientRect());
    }
  };
  const hide = () => {
    if (why.current?.matches(":popover-open") === true) {
      why.current.hidePopover();
    }
  };
  return (
    <span class="denied" onPointerEnter={show} onPointerLeave={hide} onKeyDown={(event) => event.key === "Escape" && hide()}>
      <button
        ref={button}
        type="button"
        class={kind}
        aria-disabled="true"
        aria-label={label}
        aria-describedby={id}
        onFocus={show}
        onBlur={hide}
        onClick={show}
      >
        {children}
      </button>
      <div ref={why} class="denied-why" role="tooltip" id={id} popover="manual">
        <DenialFacts denial={denial} />
      </div>
    </span>
  );
}

/** Below the button, or above it where there is no room, and within the window. It touches the button, so that the pointer can reach it. */
function place(element: HTMLElement, { left, top, bottom }: DOMRect): void {
  const { offsetWidth, offsetHeight } = element;
  const fits = bottom + offsetHeight <= innerHeight;
  element.style.left = `${Math.max(8, Math.min(left, innerWidth - offsetWidth - 8))}px`;
  element.style.top = `${fits ? bottom : Math.max(8, top - offsetHeight)}px`;
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
