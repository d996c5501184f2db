import { useState } from "preact/hooks";
import { type Container, type ContainerKind, kindTitle } from "../../model/names.js";
import { href, navigate } from "../../router.js";
import { SelectField, TextField } from "../../ui/fields.js";

/** Opens a container that the principal cannot list. */
export function OpenByName({ known }: { known: readonly Container[] }) {
  const [kind, setKind] = useState<ContainerKind>("hsm");
  const [name, setName] = useState("");
  const open = (event: Event) => {
    event.preventDefault();
    if (name !== "") {
      navigate(`${kind}s`, name);
    }
  };
  return (
    <section class="card narrow">
      {known.length > 0 && (
        <ul class="links">
          {known.map((container) => (
            <li key={`${container.kind}/${container.name}`}>
              <a href={href(`${container.kind}s`, container.name)}>
                {kindTitle(container.kind)} {container.name}
              </a>
            </li>
          ))}
        </ul>
      )}
      <form class="inline-form" onSubmit={open}>
        <SelectField
          label="Kind"
          value={kind}
          onChange={(value) => setKind(value === "vault" ? "vault" : "hsm")}
          options={[
            { value: "hsm", label: kindTitle("hsm") },
            { value: "vault", label: kindTitle("vault") },
          ]}
        />
        <TextField label="Name" value={name} onChange={setName} />
        <button type="submit" class="primary" disabled={name === ""}>
          Open
        </button>
      </form>
    </section>
  );
}

/** Shown by pages about all containers to a principal that can list none and has opened none. */
export function NothingKnown({ then }: { then: string }) {
  return (
    <p class="notice">
      This principal has no role on the control plane, so HSMs and vaults cannot be listed.{" "}
      <a href={href("containers")}>Open one by its name</a>, {then}
    </p>
  );
}
