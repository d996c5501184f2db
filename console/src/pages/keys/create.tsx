import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { keys } from "../../api/clients.js";
import { type Container, dataPlane } from "../../model/names.js";
import { parseUtcInput, toTimestamp } from "../../model/time.js";
import { Dialog } from "../../ui/dialog.js";
import { CheckField, parseTags, SelectField, TagsField, TextField } from "../../ui/fields.js";
import { keyKinds } from "./kinds.js";

interface Props {
  container: Container;
  onClose: (changed: boolean) => void;
}

export function CreateKeyDialog({ container, onClose }: Props) {
  const kinds = keyKinds(container.kind);
  const [name, setName] = useState("");
  const [label, setLabel] = useState(kinds[0]?.label ?? "");
  const [enabled, setEnabled] = useState(true);
  const [expires, setExpires] = useState("");
  const [tags, setTags] = useState("");
  const chosen = kinds.find((kind) => kind.label === label);
  const change = async () => {
    if (chosen === undefined) {
      return;
    }
    const { kty, keySize, crv } = chosen;
    const end = parseUtcInput(expires);
    await keys.createKey({
      parent: dataPlane(container),
      keyId: name,
      kty,
      ...(keySize === undefined ? {} : { keySize }),
      ...(crv === undefined ? {} : { crv }),
      attributes: { enabled, ...(end === undefined ? {} : { expires: toTimestamp(end) }) },
      tags: parseTags(tags),
    });
  };
  return (
    <Dialog
      title={`Create a key in ${container.name}`}
      confirm="Create"
      ask={containerQuestion(container, ACTIONS.keyCreate, "")}
      ready={name !== ""}
      done={`Key ${name} is created`}
      change={change}
      onClose={onClose}
    >
      <div class="grid">
        <TextField
          label="Name"
          hint="1 to 127 letters, digits and hyphens. A name that exists gets a new version."
          value={name}
          onChange={setName}
          required
        />
        <SelectField label="Type" value={label} onChange={setLabel} options={kinds.map((kind) => kind.label)} />
        <TextField label="Expires (UTC)" hint="By the service's clock; never if empty." type="datetime-local" value={expires} onChange={setExpires} />
      </div>
      <CheckField label="Enabled" checked={enabled} onChange={setEnabled} />
      <TagsField value={tags} onChange={setTags} />
    </Dialog>
  );
}
