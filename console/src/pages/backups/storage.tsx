import { CheckField, TextField } from "../../ui/fields.js";

/** Where a backup is, with what is needed to get there. */
export interface Storage {
  readonly uri: string;
  /** A shared access signature. */
  readonly token: string;
  readonly useManagedIdentity: boolean;
}

export const EMPTY_STORAGE: Storage = { uri: "", token: "", useManagedIdentity: false };

export function isReady({ uri }: Storage): boolean {
  return uri.trim() !== "";
}

export function toRequest({ uri, token, useManagedIdentity }: Storage): Storage {
  return { uri: uri.trim(), token: useManagedIdentity ? "" : token.trim(), useManagedIdentity };
}

interface Props {
  label: string;
  hint: string;
  value: Storage;
  onChange: (value: Storage) => void;
}

/** The URI, and for Azure Blob Storage the credential. */
export function StorageFields({ label, hint, value, onChange }: Props) {
  const inAzure = value.uri.trim().startsWith("https://");
  return (
    <>
      <TextField label={label} broad hint={hint} value={value.uri} onChange={(uri) => onChange({ ...value, uri })} />
      {inAzure && (
        <>
          <TextField
            label="Shared access signature"
            type="password"
            disabled={value.useManagedIdentity}
            value={value.token}
            onChange={(token) => onChange({ ...value, token })}
          />
          <CheckField
            label="Use the managed identity of the machine"
            checked={value.useManagedIdentity}
            onChange={(useManagedIdentity) => onChange({ ...value, useManagedIdentity })}
          />
        </>
      )}
    </>
  );
}
