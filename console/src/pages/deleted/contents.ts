import { ACTIONS } from "../../access/actions.js";
import { type ActionNames, containerQuestion } from "../../access/verdict.js";
import { certificates, keys, secrets } from "../../api/clients.js";
import { allPages } from "../../api/paging.js";
import { type Container, dataPlane, kindTitle, lastSegment } from "../../model/names.js";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type DeletedItem, gather, type DeletedItems, type Deletion, type ItemType } from "./item.js";

/** What is deleted in containers. */
export function fetchDeletedContents(containers: readonly Container[]): Promise<DeletedItems> {
  return gather(
    containers.flatMap((container) => {
      const title = `${kindTitle(container.kind)} ${container.name}`;
      const lists = [{ what: `${title}: deleted keys`, list: deletedKeys(container) }];
      if (container.kind === "vault") {
        lists.push({ what: `${title}: deleted secrets`, list: deletedSecrets(container) });
        lists.push({ what: `${title}: deleted certificates`, list: deletedCertificates(container) });
      }
      return lists;
    }),
  );
}

async function deletedKeys(container: Container): Promise<DeletedItem[]> {
  const parent = dataPlane(container);
  const found = await allPages((page) => keys.listDeletedKeys({ parent, ...page }), (page) => page.deletedKeys);
  return found.map((deleted) => ({
    ...common(container, "Key", deleted, deleted.key),
    recover: () => keys.recoverDeletedKey({ name: deleted.name }),
    purge: () => keys.purgeDeletedKey({ name: deleted.name }),
    ...questions(container, ACTIONS.keyRecover, ACTIONS.keyPurge, `keys/${lastSegment(deleted.name)}`),
  }));
}

async function deletedSecrets(vault: Container): Promise<DeletedItem[]> {
  const parent = dataPlane(vault);
  const found = await allPages((page) => secrets.listDeletedSecrets({ parent, ...page }), (page) => page.deletedSecrets);
  return found.map((deleted) => ({
    ...common(vault, "Secret", deleted, deleted.secret),
    recover: () => secrets.recoverDeletedSecret({ name: deleted.name }),
    purge: () => secrets.purgeDeletedSecret({ name: deleted.name }),
    ...questions(vault, ACTIONS.secretRecover, ACTIONS.secretPurge, `secrets/${lastSegment(deleted.name)}`),
  }));
}

async function deletedCertificates(vault: Container): Promise<DeletedItem[]> {
  const parent = dataPlane(vault);
  const found = await allPages((page) => certificates.listDeletedCertificates({ parent, ...page }), (page) => page.deletedCertificates);
  return found.map((deleted) => ({
    ...common(vault, "Certificate", deleted, deleted.certificate),
    recover: () => certificates.recoverDeletedCertificate({ name: deleted.name }),
    purge: () => certificates.purgeDeletedCertificate({ name: deleted.name }),
    ...questions(vault, ACTIONS.certificateRecover, ACTIONS.certificatePurge, `certificates/${lastSegment(deleted.name)}`),
  }));
}

interface Deleted {
  readonly name: string;
  readonly deletedAt?: Timestamp | undefined;
  readonly scheduledPurgeAt?: Timestamp | undefined;
}

function common(container: Container, type: ItemType, deleted: Deleted, bundle: { recoveryLevel: string; managed?: boolean } | undefined) {
  return {
    type,
    resource: deleted.name,
    name: lastSegment(deleted.name),
    container: dataPlane(container),
    deletedAt: deleted.deletedAt,
    deletion: deletionOf(container, type, lastSegment(deleted.name), bundle?.managed ?? false),
    purgeAt: deleted.scheduledPurgeAt,
    recoveryLevel: bundle?.recoveryLevel ?? "",
    forecast: undefined,
    managed: bundle?.managed ?? false,
  };
}

/** Keys and secrets of a certificate are deleted with it. */
function deletionOf(container: Container, type: ItemType, name: string, managed: boolean): Deletion | undefined {
  const of = managed ? "Certificate" : type;
  return container.resource === undefined
    ? undefined
    : { scope: container.resource, operation: `${of}Delete`, target: `${dataPlane(container)}/${of.toLowerCase()}s/${name}` };
}

function questions(container: Container, recover: ActionNames, purge: ActionNames, object: string) {
  return { askRecover: containerQuestion(container, recover, object), askPurge: containerQuestion(container, purge, object) };
}
