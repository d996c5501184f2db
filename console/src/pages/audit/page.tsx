import type { AuditLogState, AuditRecord } from "../../gen/strongroom/v1/audit_pb.js";
import { fetchInventory, type Inventory } from "../../model/containers.js";
import { kindTitle, lastSegment, segmentAfter } from "../../model/names.js";
import { useStore } from "../../model/store.js";
import { formatUtc } from "../../model/time.js";
import { route, setQuery } from "../../router.js";
import { config, principals } from "../../session/config.js";
import { FailurePanel, Show } from "../../ui/failure.js";
import { CheckField, type Option, SelectField, TextField } from "../../ui/fields.js";
import { useLoad } from "../../ui/hooks.js";
import { Table } from "../../ui/table.js";
import { Badge, Copyable, Facts, Instant } from "../../ui/text.js";
import { callerName, type Filter } from "./record.js";
import { type Records, useRecords } from "./records.js";

/** Operations that people look for, as suggestions. */
const OPERATIONS = [
  "KeyCreate", "KeySign", "KeyDecrypt", "KeyDelete", "KeyPurge", "SecretGet", "SecretSet", "SecretDelete", "CertificateDelete",
  "ManagedHsmDelete", "VaultDelete", "RoleAssignmentCreate", "ControlRoleAssignmentCreate", "AccessCheck",
];

/** What was called, by whom, with which result, and whether the log is whole. */
export function AuditPage() {
  const scopes = useLoad(async () => scopesOf(await fetchInventory()), []);
  return (
    <>
      <h1 tabIndex={-1}>Audit</h1>
      <p class="lead">
        Every call is recorded, including refused ones. Records of the service as a whole, such as access tokens, are in its files only.
      </p>
      <Show of={scopes} what="what has records">
        {(found) => (found.length === 0 ? <p class="notice">No subscription is known that this principal may read.</p> : <Log scopes={found} />)}
      </Show>
    </>
  );
}

/** Where records can be listed. The subscription of the configuration is tried even if it cannot be listed. */
function scopesOf({ subscriptions, groups, entries }: Inventory): Option[] {
  const suggested = config().subscription;
  const listed = subscriptions.map(({ name }) => name);
  const known = listed.length > 0 || suggested === undefined ? listed : [`subscriptions/${suggested}`];
  return [
    ...known.map((value) => ({ value, label: `Subscription ${lastSegment(value)}` })),
    ...groups.map(({ name }) => ({ value: name, label: `Resource group ${segmentAfter(name, "resourceGroups")}` })),
    ...entries.map(({ kind, name, resource = "" }) => ({ value: resource, label: `${kindTitle(kind)} ${name}` })),
  ];
}

function Log({ scopes }: { scopes: readonly Option[] }) {
  const { query } = useStore(route);
  const text = (name: string) => query.get(name) ?? "";
  const first = scopes[0];
  const at = text("at") || (typeof first === "object" ? first.value : "");
  const filter: Filter = {
    at,
    operation: text("operation"),
    principal: text("principal"),
    result: text("result"),
    target: text("target"),
    from: text("from"),
    to: text("to"),
  };
  const live = text("live") === "1";
  const records = useRecords(filter, live);
  // A deleted container is no scope that can be chosen, but may be in the address.
  const options = scopes.some((scope) => typeof scope === "object" && scope.value === at) ? scopes : [...scopes, { value: at, label: lastSegment(at) }];
  return (
    <>
      <div class="filters" role="search">
        <SelectField label="Records of" broad value={at} options={options} onChange={(value) => setQuery({ at: value })} />
        <TextField label="Operation" list={OPERATIONS} value={filter.operation} onChange={(operation) => setQuery({ operation })} />
        <TextField
          label="Principal"
          hint="Its name here, or its object id or user name."
          list={principals().map(({ name }) => name)}
          value={filter.principal}
          onChange={(principal) => setQuery({ principal })}
        />
        <SelectField
          label="Result"
          value={filter.result}
          options={[{ value: "", label: "All results" }, "Success", "Failure"]}
          onChange={(result) => setQuery({ result })}
        />
        <TextField label="Target contains" value={filter.target} onChange={(target) => setQuery({ target })} />
        <TextField label="From (UTC)" type="datetime-local" value={filter.from} disabled={live} onChange={(from) => setQuery({ from })} />
        <TextField label="To (UTC)" type="datetime-local" value={filter.to} disabled={live} onChange={(to) => setQuery({ to })} />
        <CheckField
          label="Live"
          hint="Adds records as they are written."
          checked={live}
          onChange={(on) => setQuery(on ? { live: "1", from: "", to: "" } : { live: "" })}
        />
      </div>
      {records.failure !== undefined && <FailurePanel failure={records.failure} />}
      {records.log !== undefined && <Chain log={records.log} live={live} isOpen={records.live} />}
      <Found records={records} />
    </>
  );
}

function Found({ records: { items, older, searchedTo, busy, failure, next } }: { records: Records }) {
  const known = older !== undefined || items.length > 0;
  return (
    <>
      {known && (
        <Table
          caption="Audit records"
          hideCaption
          columns={[
            { head: "When", cell: ({ time }: AuditRecord) => <Instant at={time} /> },
            { head: "Operation", title: true, cell: ({ operation }) => operation },
            { head: "Result", cell: ({ success, result }) => <Badge tone={success ? "good" : "bad"}>{result}</Badge> },
            { head: "Target", cell: ({ target }) => target },
            { head: "Caller", cell: (record) => <Caller record={record} /> },
            { head: "Details", cell: (record) => <Details record={record} /> },
          ]}
          rows={items}
          rowKey={({ sequenceNumber }) => String(sequenceNumber)}
          empty={busy ? "Searching…" : "No record matches the filters."}
        />
      )}
      <p class="paging" role="status" aria-busy={busy}>
        {busy && <span class="loading">Searching…</span>}
        {!busy && items.length > 0 && `${items.length} records. `}
        {!busy && older === "" && "The log has no older ones."}
        {!busy && failure === undefined && older !== undefined && older !== "" && (
          <>
            {searchedTo !== undefined && `Searched back to ${formatUtc(searchedTo)}. `}
            <button type="button" onClick={next}>
              Search older records
            </button>
          </>
        )}
      </p>
    </>
  );
}

function Caller({ record }: { record: AuditRecord }) {
  const name = callerName(record);
  return name === "" ? <span class="absent">unauthenticated</span> : <span title={record.principalId}>{name}</span>;
}

function Details({ record }: { record: AuditRecord }) {
  const { sequenceNumber, duration, address, client, request, correlationId, application, httpStatus, items, failedItems } = record;
  const millis = duration === undefined ? 0 : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
  return (
    <details>
      <summary>Record {String(sequenceNumber)}</summary>
      <Facts
        rows={[
          ["Method", request || undefined],
          ["Duration", `${millis} ms`],
          ["Status of REST", httpStatus === 0 ? undefined : String(httpStatus)],
          ["Address", address || undefined],
          ["Client", client || undefined],
          ["Application", application || undefined],
          ["Items", items === undefined ? undefined : `${items}, of which ${failedItems ?? 0n} failed`],
          ["Correlation id", <code>{correlationId}</code>],
        ]}
      />
    </details>
  );
}

/** The end of the log, how much of it is signed, and whether what was read is linked. */
function Chain({ log, live, isOpen }: { log: AuditLogState; live: boolean; isOpen: boolean }) {
  const { last, chain, signedHead, signedHeadAltered, checkedLinks, brokenAt } = log;
  const signedAt = signedHead === undefined ? undefined : Date.parse(signedHead.time);
  return (
    <section class="card" aria-label="State of the log">
      <p class="summary">
        <Badge tone={brokenAt === undefined ? "good" : "bad"}>
          {brokenAt === undefined ? "chain unbroken where it was read" : `the link of record ${brokenAt} is wrong`}
        </Badge>{" "}
        {signedHeadAltered && <Badge tone="bad">the file with the signed head was altered</Badge>}{" "}
        {live && <Badge tone={isOpen ? "good" : "warn"}>{isOpen ? "live" : "connecting"}</Badge>}
      </p>
      <Facts
        rows={[
          ["Last record", String(last)],
          ["Its link", <Copyable text={chain} label="link" />],
          ["Last signed head", signedHead === undefined ? "none yet" : `record ${signedHead.last}`],
          ["Signed", signedAt === undefined || Number.isNaN(signedAt) ? undefined : <Instant at={signedAt} />],
          ["Signed with the key", signedHead === undefined ? undefined : <code>{signedHead.keyId}</code>],
          ["Records after it", signedHead === undefined || last < signedHead.last ? undefined : String(last - signedHead.last)],
          ["Links that were checked", String(checkedLinks)],
        ]}
      />
      <p class="note">
        <code>strongroom audit verify</code> checks the whole log with all signatures. A head that is kept elsewhere proves that nothing before it
        was changed.
      </p>
    </section>
  );
}
