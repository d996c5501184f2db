import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Common {
  label: string;
  hint?: ComponentChildren;
  disabled?: boolean;
  /** Whether it needs more room than other fields. */
  broad?: boolean;
}

function Frame({ id, label, hint, broad, children }: Common & { id: string; children: ComponentChildren }) {
  return (
    <div class={broad === true ? "field broad" : "field"}>
      <label for={id}>{label}</label>
      {children}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

interface TextProps extends Common {
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "search" | "number" | "datetime-local" | "password";
  required?: boolean;
  autoComplete?: string;
  list?: readonly string[];
  rows?: number;
}

/** A line of text, or several if `rows` is given. */
export function TextField({ value, onChange, type = "text", required, autoComplete, list, rows, ...common }: TextProps) {
  const id = useId();
  const shared = {
    id,
    value,
    required: required === true,
    disabled: common.disabled === true,
    spellcheck: false,
    "aria-describedby": common.hint === undefined ? undefined : `${id}-hint`,
  };
  return (
    <Frame id={id} {...common}>
      {rows === undefined ? (
        <input
          {...shared}
          // The types of Preact want a literal here.
          type={type as "text"}
          autocomplete={autoComplete ?? "off"}
          list={list === undefined ? undefined : `${id}-list`}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      ) : (
        <textarea {...shared} rows={rows} onInput={(event) => onChange(event.currentTarget.value)} />
      )}
      {list !== undefined && (
        <datalist id={`${id}-list`}>
          {list.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
    </Frame>
  );
}

export type Option = string | { readonly value: string; readonly label: string };

interface SelectProps extends Common {
  value: string;
  onChange: (value: string) => void;
  options: readonly Option[];
}

export function SelectField({ value, onChange, options, ...common }: SelectProps) {
  const id = useId();
  return (
    <Frame id={id} {...common}>
      <select
        id={id}
        value={value}
        disabled={common.disabled === true}
        aria-describedby={common.hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {options.map((option) => {
          const { value: key, label } = typeof option === "string" ? { value: option, label: option } : option;
          return (
            <option key={key} value={key}>
              {label}
            </option>
          );
        })}
      </select>
    </Frame>
  );
}

export function CheckField({ label, hint, checked, onChange }: Common & { checked: boolean; onChange: (checked: boolean) => void }) {
  const id = useId();
  return (
    <div class="field check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** Tags as lines of name=value. */
export function TagsField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return <TextField label="Tags" hint="One name=value on each line." rows={3} value={value} onChange={onChange} />;
}

export function parseTags(text: string): Record<string, string> {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.indexOf("=");
      return end < 0 ? [line, ""] : [line.slice(0, end).trim(), line.slice(end + 1).trim()];
    }),
  );
}

export function formatTags(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags).map(([name, value]) => `${name}=${value}`).join("\n");
}
