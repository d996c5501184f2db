import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { cryptography } from "../../api/clients.js";
import type { KeyBundle } from "../../gen/strongroom/v1/key_pb.js";
import { fromBase64, toBase64Url } from "../../model/bytes.js";
import { type Container, segmentAfter } from "../../model/names.js";
import { ActionButton } from "../../ui/button.js";
import { FailurePanel } from "../../ui/failure.js";
import { SelectField, TextField } from "../../ui/fields.js";
import { useTask } from "../../ui/hooks.js";
import { Badge } from "../../ui/text.js";
import { encryptionAlgorithms, needsIv, signatureAlgorithms } from "./kinds.js";

interface Props {
  container: Container;
  of: KeyBundle;
}

/** Tries the current version of a key on a short text. */
export function TryKey({ container, of }: Props) {
  const permits = (operation: string) => of.keyOps.includes(operation);
  const signs = signatureAlgorithms(of).length > 0 && (permits("sign") || permits("verify"));
  const encrypts = encryptionAlgorithms(of).length > 0 && (permits("encrypt") || permits("decrypt"));
  return (
    <section>
      <h2>Try it</h2>
      <p class="note">Each attempt is a call to the service: it is authorized, on record in the audit log, and counted.</p>
      <div class="columns">
        {signs && <SignAndVerify container={container} of={of} />}
        {encrypts && <EncryptAndDecrypt container={container} of={of} />}
        {!signs && !encrypts && <p>The operations of this version permit neither signing nor encryption.</p>}
      </div>
    </section>
  );
}

async function digest(hash: string, text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(hash, new TextEncoder().encode(text)));
}

function SignAndVerify({ container, of }: Props) {
  const algorithms = signatureAlgorithms(of);
  const [name, setName] = useState(algorithms[0]?.name ?? "");
  const [text, setText] = useState("a short text");
  const [signature, setSignature] = useState("");
  const [result, setResult] = useState<string | undefined>(undefined);
  const object = `keys/${segmentAfter(of.name, "keys")}`;
  const [askSign, askVerify] = [ACTIONS.sign, ACTIONS.verify].map((actions) => containerQuestion(container, actions, object));
  const signing = useTask(askSign);
  const verifying = useTask(askVerify);
  const algorithm = algorithms.find((found) => found.name === name) ?? algorithms[0];
  const begin = () => {
    signing.clear();
    verifying.clear();
    setResult(undefined);
  };
  const request = async () => ({ name: of.name, algorithm: name, digest: await digest(algorithm?.hash ?? "SHA-256", text) });
  const sign = () => {
    begin();
    void signing.run(async () => setSignature(toBase64Url((await cryptography.sign(await request())).signature)));
  };
  const verify = () => {
    begin();
    void verifying.run(async () => {
      const reply = await cryptography.verify({ ...(await request()), signature: fromBase64(signature) });
      setResult(reply.valid ? "valid" : "not valid");
    });
  };
  const failure = signing.failure ?? verifying.failure;
  return (
    <div class="card">
      <h3>Sign and verify</h3>
      <SelectField label="Algorithm" value={name} onChange={setName} options={algorithms.map((found) => found.name)} />
      <TextField label="Text" hint={`Its ${algorithm?.hash} digest is signed.`} rows={2} value={text} onChange={setText} />
      <TextField label="Signature (base64url)" rows={3} value={signature} onChange={setSignature} />
      <div class="buttons">
        <ActionButton ask={askSign} disabled={signing.busy || !of.keyOps.includes("sign")} onClick={sign}>
          Sign
        </ActionButton>
        <ActionButton ask={askVerify} disabled={verifying.busy || signature === "" || !of.keyOps.includes("verify")} onClick={verify}>
          Verify
        </ActionButton>
        <span role="status">
          {result !== undefined && <Badge tone={result === "valid" ? "good" : "bad"}>The signature is {result}</Badge>}
        </span>
      </div>
      {failure !== undefined && <FailurePanel failure={failure} />}
    </div>
  );
}

/** What a decryption needs, as text to be kept or changed. */
interface Sealed {
  readonly ciphertext: string;
  readonly iv: string;
  readonly tag: string;
}

function EncryptAndDecrypt({ container, of }: Props) {
  const algorithms = encryptionAlgorithms(of);
  const [algorithm, setAlgorithm] = useState(algorithms[0] ?? "");
  const [text, setText] = useState("a short text");
  const [sealed, setSealed] = useState<Sealed>({ ciphertext: "", iv: "", tag: "" });
  const [result, setResult] = useState<string | undefined>(undefined);
  const object = `keys/${segmentAfter(of.name, "keys")}`;
  const [askEncrypt, askDecrypt] = [ACTIONS.encrypt, ACTIONS.decrypt].map((actions) => containerQuestion(container, actions, object));
  const encrypting = useTask(askEncrypt);
  const decrypting = useTask(askDecrypt);
  const begin = () => {
    encrypting.clear();
    decrypting.clear();
    setResult(undefined);
  };
  const encrypt = () => {
    begin();
    void encrypting.run(async () => {
      const iv = needsIv(algorithm) ? crypto.getRandomValues(new Uint8Array(16)) : new Uint8Array();
      const plaintext = new TextEncoder().encode(text);
      const reply = await cryptography.encrypt({ name: of.name, algorithm, plaintext, iv });
      setSealed({
        ciphertext: toBase64Url(reply.ciphertext),
        iv: toBase64Url(reply.iv),
        tag: toBase64Url(reply.authenticationTag),
      });
    });
  };
  const decrypt = () => {
    begin();
    void decrypting.run(async () => {
      const { ciphertext, iv, tag } = sealed;
      const reply = await cryptography.decrypt({
        name: of.name,
        algorithm,
        ciphertext: fromBase64(ciphertext),
        iv: fromBase64(iv),
        authenticationTag: fromBase64(tag),
      });
      setResult(new TextDecoder().decode(reply.plaintext));
    });
  };
  const failure = encrypting.failure ?? decrypting.failure;
  const symmetric = of.kty.startsWith("oct");
  return (
    <div class="card">
      <h3>Encrypt and decrypt</h3>
      <SelectField label="Algorithm" value={algorithm} onChange={setAlgorithm} options={algorithms} />
      <TextField label="Plaintext" rows={2} value={text} onChange={setText} />
      <TextField label="Ciphertext (base64url)" rows={3} value={sealed.ciphertext} onChange={(ciphertext) => setSealed({ ...sealed, ciphertext })} />
      {symmetric && <TextField label="Initialization vector" value={sealed.iv} onChange={(iv) => setSealed({ ...sealed, iv })} />}
      {algorithm.endsWith("GCM") && <TextField label="Authentication tag" value={sealed.tag} onChange={(tag) => setSealed({ ...sealed, tag })} />}
      <div class="buttons">
        <ActionButton ask={askEncrypt} disabled={encrypting.busy || !of.keyOps.includes("encrypt")} onClick={encrypt}>
          Encrypt
        </ActionButton>
        <ActionButton
          ask={askDecrypt}
          disabled={decrypting.busy || sealed.ciphertext === "" || !of.keyOps.includes("decrypt")}
          onClick={decrypt}
        >
          Decrypt
        </ActionButton>
      </div>
      <p role="status">
        {result !== undefined && (
          <>
            Decrypted: <code>{result}</code>
          </>
        )}
      </p>
      {failure !== undefined && <FailurePanel failure={failure} />}
    </div>
  );
}
