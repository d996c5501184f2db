import type { Duration } from "@bufbuild/protobuf/wkt";
import { resources, tokens } from "../api/clients.js";
import { type Refusal, toFailure } from "../api/failure.js";
import type { TokenState } from "../gen/strongroom/v1/token_pb.js";
import { config } from "../session/config.js";
import { Show } from "../ui/failure.js";
import { useLoad } from "../ui/hooks.js";
import { Refused } from "../ui/refused.js";
import { Table } from "../ui/table.js";
import { Badge } from "../ui/text.js";

interface States {
  readonly tokens: readonly TokenState[];
  readonly withoutToken: readonly string[];
  readonly refused: readonly Refusal[];
}

/** The PKCS#11 tokens, and the workers that use them. */
export function TokensPage() {
  const states = useLoad(fetchStates, []);
  return (
    <>
      <h1 tabIndex={-1}>Tokens</h1>
      <p class="lead">
        The PKCS#11 tokens that hold the keys, since the service was started. Durations include the time in the queue, and are rounded up to a
        power of two of microseconds.
      </p>
      <div class="toolbar">
        <button type="button" disabled={states.busy} onClick={states.reload}>
          Refresh
        </button>
      </div>
      <Show of={states} what="tokens">
        {({ tokens: found, withoutToken, refused }) => (
          <>
            {withoutToken.length > 0 && (
              <p class="notice" role="alert">
                Without a token that can be used: {withoutToken.join(", ")}
              </p>
            )}
            {refused.length === 0 && <TokenTable tokens={found} />}
            <Refused refused={refused} open />
          </>
        )}
      </Show>
    </>
  );
}

/** The subscription of the configuration is tried even if it cannot be listed. */
async function fetchStates(): Promise<States> {
  const { subscriptions } = await resources.listSubscriptions({});
  const suggested = config().subscription;
  const listed = subscriptions.map(({ name }) => name);
  const parents = listed.length > 0 || suggested === undefined ? listed : [`subscriptions/${suggested}`];
  const refused: Refusal[] = [];
  const replies = await Promise.all(
    parents.map((parent) =>
      tokens.listTokenStates({ parent }).catch((error: unknown) => {
        refused.push({ what: `tokens of ${parent}`, failure: toFailure(error) });
        return { tokens: [], containersWithoutToken: [] };
      }),
    ),
  );
  return {
    tokens: replies.flatMap((reply) => reply.tokens),
    withoutToken: replies.flatMap((reply) => reply.containersWithoutToken),
    refused,
  };
}

function TokenTable({ tokens: found }: { tokens: readonly TokenState[] }) {
  return (
    <Table
      caption="Tokens"
      hideCaption
      columns={[
        { head: "Label", title: true, cell: ({ label }: TokenState) => label },
        { head: "Serial number", cell: ({ serial }) => <code>{serial}</code> },
        { head: "Model", cell: ({ manufacturer, model, firmware }) => `${manufacturer} ${model} ${firmware}` },
        { head: "Keys of", cell: ({ containers }) => containers.join(", ") },
        { head: "Workers", cell: (token) => <Workers token={token} /> },
        { head: "Starts", numeric: true, cell: ({ workerStarts }) => (workerStarts === 0n ? "threads" : String(workerStarts)) },
        { head: "Running", numeric: true, cell: ({ runningCalls }) => String(runningCalls) },
        { head: "Waiting", numeric: true, cell: ({ waitingCalls, capacity }) => `${waitingCalls} of ${capacity}` },
        { head: "Waiting, slow", numeric: true, cell: ({ waitingSlowCalls, slowCapacity }) => `${waitingSlowCalls} of ${slowCapacity}` },
        { head: "Calls", numeric: true, cell: ({ calls }) => String(calls) },
        { head: "Failed", numeric: true, cell: ({ failedCalls }) => String(failedCalls) },
        { head: "Median", numeric: true, cell: ({ medianDuration }) => formatDuration(medianDuration) },
        { head: "99 %", numeric: true, cell: ({ percentile99Duration }) => formatDuration(percentile99Duration) },
      ]}
      rows={found}
      rowKey={({ serial }) => serial}
      empty="No token holds keys of these subscriptions."
    />
  );
}

function Workers({ token: { runningWorkers, startingWorkers, failedWorkers } }: { token: TokenState }) {
  const isWhole = runningWorkers > 0 && startingWorkers === 0 && failedWorkers === 0;
  const parts = [
    `${runningWorkers} running`,
    ...(startingWorkers > 0 ? [`${startingWorkers} starting`] : []),
    ...(failedWorkers > 0 ? [`${failedWorkers} stopped after a rejected PIN`] : []),
  ];
  return <Badge tone={isWhole ? "good" : runningWorkers > 0 ? "warn" : "bad"}>{parts.join(", ")}</Badge>;
}

/** 256 µs, 1.02 ms, 2.1 s. */
function formatDuration(duration: Duration | undefined): string {
  const micros = duration === undefined ? 0 : Number(duration.seconds) * 1e6 + duration.nanos / 1e3;
  if (micros === 0) {
    return "—";
  }
  const [value, unit] = micros < 1e3 ? [micros, "µs"] : micros < 1e6 ? [micros / 1e3, "ms"] : [micros / 1e6, "s"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}
