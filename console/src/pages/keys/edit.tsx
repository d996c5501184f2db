import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { keys } from "../../api/clients.js";
import type { KeyBundle } from "../../gen/strongroom/v1/key_pb.js";
import { type Container, segmentAfter } from "../../model/names.js";
import { formatUtcInput, parseUtcInput, toTimestamp } from "../../model/time.js";
import { Dialog } from "../../ui/dialog.js";
import { CheckField, formatTags, parseTags, TagsField, TextField } from "../../ui/fields.js";

interface Props {
  container: Container;
  version: KeyBundle;
  onClose: (changed: boolean) => void;
}

/** Changes the attributes, the operations and the tags of a version. */
export function EditKeyDialog({ container, version, onClose }: Props) {
  const [enabled, setEnabled] = useState(version.enabled);
  const [notBefore, setNotBefore] = useState(formatUtcInput(version.notBefore));
  const [expires, setExpires] = useState(formatUtcInput(version.expires));
  const [operations, setOperations] = useState(version.keyOps.join(", "));
  const [tags, setTags] = useState(formatTags(version.tags));
  const name = segmentAfter(version.name, "keys");
  const change = () => {
    const [start, end] = [parseUtcInput(notBefore), parseUtcInput(expires)];
    return keys.updateKeyVersion({
      name: version.name,
      keyOps: operations.split(/[\s,]+/).filter(Boolean),
      attributes: {
        enabled,
        ...(start === undefined ? {} : { notBefore: toTimestamp(start) }),
        ...(end === undefined ? {} : { expires: toTimestamp(end) }),
      },
      tags: parseTags(tags),
      updateMask: { paths: ["key_ops", "attributes.enabled", "attributes.not_before", "attributes.expires", "tags"] },
    });
  };
  return (
    <Dialog
      title={`Edit the current version of ${name}`}
      confirm="Save"
      ask={containerQuestion(container, ACTIONS.keyUpdate, `keys/${name}`)}
      done={`Key ${name} is updated`}
      change={change}
      onClose={onClose}
    >
      <CheckField label="Enabled" checked={enabled} onChange={setEnabled} />
      <div class="grid">
        <TextField label="Not before (UTC)" type="datetime-local" value={notBefore} onChange={setNotBefore} />
        <TextField label="Expires (UTC)" type="datetime-local" value={expires} onChange={setExpires} />
      </div>
      <TextField label="Operations" hint="Separated by commas, for example sign, verify." value={operations} onChange={setOperations} />
      <TagsField value={tags} onChange={setTags} />
    </Dialog>
  );
}
