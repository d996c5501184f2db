import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { secrets } from "../../api/clients.js";
import { type Container, dataPlane } from "../../model/names.js";
import { parseUtcInput, toTimestamp } from "../../model/time.js";
import { Dialog } from "../../ui/dialog.js";
import { parseTags, TagsField, TextField } from "../../ui/fields.js";

interface Props {
  vault: Container;
  /** The secret that gets a new version; undefined for any name. */
  name?: string;
  onClose: (changed: boolean) => void;
}

/** Stores a value. */
export function SetSecretDialog({ vault, name: given, onClose }: Props) {
  const [name, setName] = useState(given ?? "");
  const [value, setValue] = useState("");
  const [contentType, setContentType] = useState("");
  const [expires, setExpires] = useState("");
  const [tags, setTags] = useState("");
  const change = () => {
    const end = parseUtcInput(expires);
    return secrets.setSecret({
      parent: dataPlane(vault),
      secretId: name,
      value,
      contentType,
      tags: parseTags(tags),
      ...(end === undefined ? {} : { attributes: { expires: toTimestamp(end) } }),
    });
  };
  return (
    <Dialog
      title={given === undefined ? `Set a secret in ${vault.name}` : `New version of ${given}`}
      confirm="Set"
      ask={containerQuestion(vault, ACTIONS.secretSet, "")}
      ready={name !== ""}
      done={`Secret ${name} is set`}
      change={change}
      onClose={onClose}
    >
      {given === undefined && (
        <TextField
          label="Name"
          hint="1 to 127 letters, digits and hyphens. A name that exists gets a new version."
          value={name}
          onChange={setName}
          required
        />
      )}
      <TextField label="Value" rows={3} value={value} onChange={setValue} />
      <div class="grid">
        <TextField label="Content type" hint="What the value is, for the user." value={contentType} onChange={setContentType} />
        <TextField label="Expires (UTC)" hint="Informative." type="datetime-local" value={expires} onChange={setExpires} />
      </div>
      <TagsField value={tags} onChange={setTags} />
    </Dialog>
  );
}
