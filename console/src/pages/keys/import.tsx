import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { keys } from "../../api/clients.js";
import { type Container, dataPlane } from "../../model/names.js";
import { Dialog } from "../../ui/dialog.js";
import { CheckField, parseTags, TagsField, TextField } from "../../ui/fields.js";
import { parseJwk } from "./jwk.js";

interface Props {
  container: Container;
  onClose: (changed: boolean) => void;
}

/** Imports a key that exists elsewhere. */
export function ImportKeyDialog({ container, onClose }: Props) {
  const [name, setName] = useState("");
  const [jwk, setJwk] = useState("");
  const [inHsm, setInHsm] = useState(true);
  const [tags, setTags] = useState("");
  const change = async () => {
    const key = parseJwk(jwk);
    const kty = inHsm && !key.kty.endsWith("-HSM") ? `${key.kty}-HSM` : key.kty;
    await keys.importKey({ parent: dataPlane(container), keyId: name, key: { ...key, kty }, tags: parseTags(tags) });
    setJwk("");
  };
  return (
    <Dialog
      title={`Import a key into ${container.name}`}
      confirm="Import"
      ask={containerQuestion(container, ACTIONS.keyImport, "")}
      ready={name !== "" && jwk.trim() !== ""}
      done={`Key ${name} is imported`}
      change={change}
      onClose={onClose}
    >
      <TextField label="Name" hint="1 to 127 letters, digits and hyphens. A name that exists gets a new version." value={name} onChange={setName} required />
      <TextField
        label="Private or secret key"
        hint="A JSON Web Key (RFC 7517): RSA or EC with d, or oct with k. It is sent to the service and kept nowhere else."
        rows={6}
        value={jwk}
        onChange={setJwk}
        required
      />
      {container.kind === "vault" && <CheckField label="Protected by HSM" checked={inHsm} onChange={setInHsm} />}
      <TagsField value={tags} onChange={setTags} />
    </Dialog>
  );
}
