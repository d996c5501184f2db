import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { certificates } from "../../api/clients.js";
import { type Container, dataPlane } from "../../model/names.js";
import { Dialog } from "../../ui/dialog.js";
import { parseTags, SelectField, TagsField, TextField } from "../../ui/fields.js";

interface Props {
  vault: Container;
  onClose: (changed: boolean) => void;
}

/** Creates a certificate that is signed with its own key, or a request to be signed elsewhere. */
export function CreateCertificateDialog({ vault, onClose }: Props) {
  const [name, setName] = useState("");
  const [subject, setSubject] = useState("CN=");
  const [dnsNames, setDnsNames] = useState("");
  const [months, setMonths] = useState("12");
  const [kty, setKty] = useState("EC");
  const [issuer, setIssuer] = useState("Self");
  const [tags, setTags] = useState("");
  const change = () =>
    certificates.createCertificate({
      parent: dataPlane(vault),
      certificateId: name,
      tags: parseTags(tags),
      policy: {
        key: { kty },
        x509: { subject, validityMonths: Number(months), sans: { dnsNames: dnsNames.split(/[\s,]+/).filter(Boolean) } },
        issuer: { name: issuer },
      },
    });
  return (
    <Dialog
      title={`Create a certificate in ${vault.name}`}
      confirm="Create"
      ask={containerQuestion(vault, ACTIONS.certificateCreate, "")}
      ready={name !== ""}
      done={issuer === "Self" ? `Certificate ${name} is created` : `Certificate ${name} is in progress`}
      change={change}
      onClose={onClose}
    >
      <div class="grid">
        <TextField label="Name" hint="1 to 127 letters, digits and hyphens." value={name} onChange={setName} required />
        <TextField label="Subject" hint="CN=www.example.com, O=Example" value={subject} onChange={setSubject} />
        <TextField label="DNS names" hint="Separated by commas." value={dnsNames} onChange={setDnsNames} />
        <TextField label="Validity in months" type="number" value={months} onChange={setMonths} />
        <SelectField label="Key" value={kty} onChange={setKty} options={["EC", "RSA", "EC-HSM", "RSA-HSM"]} />
        <SelectField
          label="Issuer"
          value={issuer}
          onChange={setIssuer}
          options={[
            { value: "Self", label: "Self-signed" },
            { value: "Unknown", label: "Signed elsewhere and merged" },
          ]}
        />
      </div>
      <TagsField value={tags} onChange={setTags} />
    </Dialog>
  );
}
