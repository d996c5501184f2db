import { useEffect, useState } from "preact/hooks";
import { ask, type Verdict } from "../../access/verdict.js";
import { toFailure, type Failure } from "../../api/failure.js";
import type { RoleAssignment } from "../../gen/strongroom/v1/access_pb.js";
import { lastSegment } from "../../model/names.js";
import { objectId, principalName, principals } from "../../session/config.js";
import { session } from "../../session/session.js";
import { FailurePanel } from "../../ui/failure.js";
import { TextField } from "../../ui/fields.js";
import { Badge, Facts } from "../../ui/text.js";
import { matrixActions, type Place, questionAt } from "./place.js";

interface Props {
  place: Place;
  scope: string;
  assignments: readonly RoleAssignment[];
}

type Answer = { readonly verdict: Verdict } | { readonly failure: Failure };

interface Cell {
  readonly principal: string;
  readonly action: string;
}

/** How many principals are asked about at the same time. */
const PARALLEL = 4;

const cellKey = ({ principal, action }: Cell) => `${principal} ${action}`;

/** Principals by actions at a scope, as the service decides them. */
export function Matrix({ place, scope, assignments }: Props) {
  const [added, setAdded] = useState<readonly string[]>([]);
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState<Cell | undefined>(undefined);
  const assigned = assignments.map(({ principalId }) => principalId);
  const rows = [...new Set([...principals().map(({ id }) => id), ...assigned, ...added])];
  const actions = matrixActions(place);
  const version = assignments.map(({ name }) => name).join();
  const answers = useAnswers(place, scope, rows, actions, version);
  const add = (event: Event) => {
    event.preventDefault();
    setAdded([...added, objectId(typed.trim())]);
    setTyped("");
  };
  const answer = chosen && answers.get(cellKey(chosen));
  return (
    <section>
      <h2>Who may do what</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Access matrix">
        <table class="matrix">
          <caption class="visually-hidden">Principals by actions. Choose a cell to see why.</caption>
          <thead>
            <tr>
              <th scope="row">Principal</th>
              {actions.map((action) => (
                <th key={action} scope="col" title={action}>
                  <span>{shorten(action)}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((principal) => (
              <tr key={principal}>
                <th scope="row" title={principal}>
                  {principalName(principal)}
                </th>
                {actions.map((action) => (
                  <td key={action}>
                    <CellButton
                      cell={{ principal, action }}
                      answer={answers.get(cellKey({ principal, action }))}
                      chosen={chosen?.principal === principal && chosen.action === action}
                      choose={setChosen}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div role="status" aria-live="polite">
        {chosen !== undefined && answer !== undefined && <Why cell={chosen} answer={answer} />}
      </div>
      <form class="inline-form" onSubmit={add}>
        <TextField label="Add a principal" hint="Its object id." value={typed} onChange={setTyped} />
        <button type="submit" disabled={typed.trim() === ""}>
          Add
        </button>
      </form>
      <p class="note">Groups are known from access tokens only, so the service evaluates principals here without their groups, but for your own.</p>
    </section>
  );
}

/** Microsoft.KeyVault/managedHSMs/write becomes managedHSMs/write. */
function shorten(action: string): string {
  return action.replace(/^Microsoft\.(KeyVault\/)?/, "").replace(/\/action$/, "");
}

function CellButton({ cell, answer, chosen, choose }: { cell: Cell; answer: Answer | undefined; chosen: boolean; choose: (cell: Cell) => void }) {
  const [mark, state, className] =
    answer === undefined
      ? ["·", "not known yet", ""]
      : "failure" in answer
        ? ["?", "cannot be asked", ""]
        : answer.verdict.allowed
          ? ["✓", "allowed", "allowed"]
          : ["–", "refused", "refused"];
  return (
    <button
      type="button"
      class={className}
      aria-pressed={chosen}
      aria-label={`${principalName(cell.principal)}, ${shorten(cell.action)}: ${state}`}
      onClick={() => choose(cell)}
    >
      <span aria-hidden="true">{mark}</span>
    </button>
  );
}

/** The deciding assignment, or what is missing. */
function Why({ cell, answer }: { cell: Cell; answer: Answer }) {
  if ("failure" in answer) {
    return <FailurePanel failure={answer.failure} />;
  }
  const { allowed, action, scope, reason, roleName, assignment, roles, permission } = answer.verdict;
  return (
    <div class="card">
      <h3>
        {principalName(cell.principal)}: <code>{action}</code> <Badge tone={allowed ? "good" : "bad"}>{allowed ? "allowed" : "refused"}</Badge>
      </h3>
      <p>{reason}</p>
      <Facts
        rows={[
          ["Scope", <code>{scope}</code>],
          ["Granted by the role", roleName || undefined],
          ["Assigned at", assignment === undefined ? undefined : <code>{assignment.scope}</code>],
          ["Assignment", assignment === undefined ? undefined : <code>{lastSegment(assignment.name)}</code>],
          ["Access policy permission", permission],
          ["Roles that would grant it", allowed || roles.length === 0 ? undefined : roles.join(", ")],
        ]}
      />
    </div>
  );
}

/** Asks the service about all cells, a few principals at a time, and again when the assignments have another version. */
function useAnswers(
  place: Place,
  scope: string,
  rows: readonly string[],
  actions: readonly string[],
  version: string,
): ReadonlyMap<string, Answer> {
  const [answers, setAnswers] = useState<ReadonlyMap<string, Answer>>(new Map());
  useEffect(() => {
    let wanted = true;
    const known = new Map<string, Answer>();
    setAnswers(known);
    const waiting = [...rows];
    const self = session.get();
    const askAbout = (principal: string, action: string) => {
      const groups = self?.id === principal ? self.groups : [];
      return ask(questionAt(place, scope, action), { id: principal, groups }).then(
        (verdict) => ({ verdict }),
        (error: unknown) => ({ failure: toFailure(error) }),
      );
    };
    const worker = async () => {
      for (let principal = waiting.shift(); principal !== undefined && wanted; principal = waiting.shift()) {
        const asked = principal;
        // All of these are one call.
        const row = await Promise.all(actions.map((action) => askAbout(asked, action)));
        row.forEach((answer, index) => known.set(cellKey({ principal: asked, action: actions[index] ?? "" }), answer));
        if (wanted) {
          setAnswers(new Map(known));
        }
      }
    };
    // A scope that is being typed is not worth a call for each letter.
    const timer = setTimeout(() => Array.from({ length: PARALLEL }, () => void worker()), 300);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [place.id, scope, rows.join(), actions.join(), version]);
  return answers;
}
