import { Store, useStore } from "../model/store.js";

const message = new Store("");
let next = "";

/** Tells the result of a change: shown below the header, and read by screen readers. */
export function announce(text: string): void {
  message.set(text);
}

/** Tells a result on the page that is opened next. */
export function announceNext(text: string): void {
  next = text;
}

/** Removes what was told on the page before. */
export function pageChanged(): void {
  message.set(next);
  next = "";
}

export function Announcement() {
  const text = useStore(message);
  return (
    <div class="announcement" role="status" aria-live="polite">
      {text !== "" && (
        <p>
          {text}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => announce("")}>
            ×
          </button>
        </p>
      )}
    </div>
  );
}
