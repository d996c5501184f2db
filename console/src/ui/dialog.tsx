import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Question } from "../access/verdict.js";
import { announce } from "./announce.js";
import { FailurePanel } from "./failure.js";
import { TextField } from "./fields.js";
import { useElapsed, useTask } from "./hooks.js";

interface DialogProps {
  title: string;
  confirm: string;
  danger?: boolean;
  ready?: boolean;
  ask?: Question | undefined;
  /** What is announced when it is done. */
  done: string | (() => string);
  /** The change; while it runs, the dialog shows that it does. */
  change: () => Promise<unknown>;
  onClose: (changed: boolean) => void;
  children: ComponentChildren;
}

/** A modal dialog with one change. It closes when the change has succeeded, and shows the error otherwise. */
export function Dialog({ title, confirm, danger = false, ready = true, ask, done, change, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const task = useTask(ask);
  const seconds = useElapsed(task.busy);
  useEffect(() => {
    const dialog = element.current;
    const opener = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (opener instanceof HTMLElement) {
        opener.focus();
      }
    };
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (ready && (await task.run(change))) {
      announce(typeof done === "string" ? done : done());
      onClose(true);
    }
  };
  const cancel = (event: Event) => {
    event.preventDefault();
    if (!task.busy) {
      onClose(false);
    }
  };
  return (
    <dialog ref={element} aria-labelledby={heading} onCancel={cancel}>
      <form onSubmit={(event) => void submit(event)} aria-busy={task.busy} noValidate>
        <h2 id={heading}>{title}</h2>
        {children}
        {task.failure !== undefined && <FailurePanel failure={task.failure} />}
        <p class="progress" role="status">
          {task.busy && (
            <>
              <progress aria-label="The service works on it" /> The service works on it{seconds > 0 && `, ${seconds} s`}…
            </>
          )}
        </p>
        <div class="buttons">
          <button type="button" onClick={cancel} disabled={task.busy}>
            Cancel
          </button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={task.busy || !ready}>
            {confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface ConfirmProps extends Omit<DialogProps, "ready"> {
  /** The name to be typed before the change is possible, for what cannot be undone. */
  typed?: string;
}

/** Asks before a change; before one that cannot be undone, for the name of what it concerns. */
export function ConfirmDialog({ typed, children, ...dialog }: ConfirmProps) {
  const [text, setText] = useState("");
  return (
    <Dialog {...dialog} ready={typed === undefined || text === typed}>
      {children}
      {typed !== undefined && (
        <TextField label={`Type ${typed} to confirm`} value={text} onChange={setText} autoComplete="off" required />
      )}
    </Dialog>
  );
}
