import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { certificates } from "../../api/clients.js";
import { allPages } from "../../api/paging.js";
import type { CertificatePolicy } from "../../gen/strongroom/v1/certificate_policy_pb.js";
import type { CertificateBundle } from "../../gen/strongroom/v1/certificate_pb.js";
import { toHex, toPem } from "../../model/bytes.js";
import { findContainer } from "../../model/containers.js";
import { type Container, dataPlane, lastSegment } from "../../model/names.js";
import { href, navigate } from "../../router.js";
import { announce, announceNext } from "../../ui/announce.js";
import { ActionButton } from "../../ui/button.js";
import { ConfirmDialog } from "../../ui/dialog.js";
import { FailurePanel, Show } from "../../ui/failure.js";
import { useLoad, useTask } from "../../ui/hooks.js";
import { type Column, Table } from "../../ui/table.js";
import { download, Enabled, Facts, Instant, Tags } from "../../ui/text.js";
import { Crumbs } from "../containers/detail.js";
import { Operation } from "./operation.js";

interface Found {
  readonly container: Container;
  readonly current: CertificateBundle;
  /** Newest first. */
  readonly versions: readonly CertificateBundle[];
}

/** A certificate with its versions and its policy. */
export function CertificatePage({ vault, name }: { vault: string; name: string }) {
  const certificate = useLoad(() => fetchCertificate(vault, name), [vault, name]);
  return (
    <>
      <Crumbs kind="vault" container={vault} collection="certificates" />
      <h1 tabIndex={-1}>Certificate {name}</h1>
      <Show of={certificate} what={name}>
        {(found) => (
          <>
            <Current of={found} name={name} />
            {found.current.operation !== "" && <Operation container={found.container} name={name} changed={certificate.reload} />}
            {found.current.policy !== undefined && <Policy of={found.current.policy} />}
            <Versions of={found} name={name} changed={certificate.reload} />
          </>
        )}
      </Show>
    </>
  );
}

async function fetchCertificate(vault: string, name: string): Promise<Found> {
  const parent = `vaults/${vault}/certificates/${name}`;
  const [container, current, versions] = await Promise.all([
    findContainer("vault", vault),
    certificates.getCertificate({ name: parent }),
    allPages((page) => certificates.listCertificateVersions({ parent, ...page }), (page) => page.versions),
  ]);
  return { container, current, versions: versions.reverse() };
}

function Current({ of: { container, current }, name }: { of: Found; name: string }) {
  const [deleting, setDeleting] = useState(false);
  const ask = containerQuestion(container, ACTIONS.certificateDelete, `certificates/${name}`);
  const issued = current.certificate.length > 0;
  return (
    <section>
      <div class="toolbar">
        <button
          type="button"
          disabled={!issued}
          onClick={() => download(`${name}.pem`, "application/x-pem-file", toPem(current.certificate, "CERTIFICATE"))}
        >
          Download PEM
        </button>
        <ActionButton kind="danger" ask={ask} onClick={() => setDeleting(true)}>
          Delete
        </ActionButton>
      </div>
      <div class="card">
        <Facts
          rows={[
            ["State", <Enabled on={current.enabled} />],
            ["Thumbprint (SHA-1)", issued ? <code>{toHex(current.thumbprint)}</code> : undefined],
            ["Valid from", <Instant at={current.notBefore} />],
            ["Expires", <Instant at={current.expires} />],
            ["Created", <Instant at={current.created} />],
            ["Key", issued ? <a href={href("vaults", container.name, "keys", name)}>{name}</a> : undefined],
            ["Secret", issued ? <a href={href("vaults", container.name, "secrets", name)}>{name}</a> : undefined],
            ["Recovery level", `${current.recoveryLevel}, ${current.recoverableDays} days`],
            ["Tags", <Tags tags={current.tags} />],
          ]}
        />
      </div>
      {deleting && (
        <ConfirmDialog
          title={`Delete certificate ${name}?`}
          confirm="Delete"
          danger
          ask={ask}
          done={`Certificate ${name} is deleted`}
          change={() => certificates.deleteCertificate({ name: `${dataPlane(container)}/certificates/${name}` })}
          onClose={(done) => {
            setDeleting(false);
            if (done) {
              announceNext(`Certificate ${name} is deleted. It can be recovered on the page of deleted items.`);
              navigate("vaults", container.name, "certificates");
            }
          }}
        >
          <p>
            The certificate is deleted with all its versions, keys and secrets. It can be recovered for {current.recoverableDays} days.
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function Policy({ of: { key, x509, issuer, secret, lifetimeActions } }: { of: CertificatePolicy }) {
  const { dnsNames = [], emails = [], upns = [], uris = [], ipAddresses = [] } = x509?.sans ?? {};
  const names = [...dnsNames, ...emails, ...upns, ...uris, ...ipAddresses];
  const [action] = lifetimeActions;
  const when =
    action === undefined
      ? "none"
      : action.lifetimePercentage !== undefined
        ? `${action.action} after ${action.lifetimePercentage} % of the lifetime`
        : `${action.action} ${action.daysBeforeExpiry ?? 0} days before expiry`;
  return (
    <section>
      <h2>Policy of new versions</h2>
      <div class="card">
        <Facts
          rows={[
            ["Subject", x509?.subject ?? "—"],
            ["Alternative names", names.length > 0 ? names.join(", ") : "none"],
            ["Validity", `${x509?.validityMonths ?? 12} months`],
            ["Issuer", issuer?.name ?? "—"],
            ["Key", `${key?.kty ?? "RSA"} ${key?.crv ?? key?.keySize ?? ""}`],
            ["Key exportable", key?.exportable === true ? "yes" : "no"],
            ["Reuses the key", key?.reuseKey === true ? "yes" : "no"],
            ["Content type of the secret", secret?.contentType ?? "—"],
            ["Key usage", x509?.keyUsage?.names.join(", ") || "none"],
            ["Extended key usage", x509?.ekus?.oids.join(", ") || "none"],
            ["Lifetime action", when],
          ]}
        />
      </div>
    </section>
  );
}

function Versions({ of: { container, versions }, name, changed }: { of: Found; name: string; changed: () => void }) {
  const ask = containerQuestion(container, ACTIONS.certificateUpdate, `certificates/${name}`);
  const task = useTask(ask);
  const toggle = async (version: CertificateBundle) => {
    const enabled = !version.enabled;
    const request = { name: version.name, attributes: { enabled }, updateMask: { paths: ["attributes.enabled"] } };
    if (await task.run(() => certificates.updateCertificateVersion(request))) {
      announce(`Version ${lastSegment(version.name)} is ${enabled ? "enabled" : "disabled"}`);
      changed();
    }
  };
  const columns: Column<CertificateBundle>[] = [
    { head: "Version", title: true, cell: (version) => <code>{lastSegment(version.name)}</code> },
    { head: "State", cell: ({ enabled }) => <Enabled on={enabled} /> },
    { head: "Thumbprint (SHA-1)", cell: ({ thumbprint }) => <code>{toHex(thumbprint)}</code> },
    { head: "Valid from", cell: ({ notBefore }) => <Instant at={notBefore} /> },
    { head: "Expires", cell: ({ expires }) => <Instant at={expires} /> },
    {
      head: "Actions",
      hidden: true,
      cell: (version) => (
        <ActionButton
          ask={ask}
          disabled={task.busy}
          label={`${version.enabled ? "Disable" : "Enable"} version ${lastSegment(version.name)}`}
          onClick={() => void toggle(version)}
        >
          {version.enabled ? "Disable" : "Enable"}
        </ActionButton>
      ),
    },
  ];
  return (
    <section>
      <h2>Versions</h2>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
      <Table caption="Versions" hideCaption columns={columns} rows={versions} rowKey={(version) => version.name} empty="No version is issued yet." />
    </section>
  );
}
