import { useStore } from "../model/store.js";
import { config, type GatewayConfig, type SimulatorConfig } from "../session/config.js";
import { beginSignIn } from "../session/oidc.js";
import { endReason } from "../session/session.js";
import { signInAs } from "../session/simulator.js";
import { FailurePanel } from "../ui/failure.js";
import { useTask } from "../ui/hooks.js";

/** Chooses as whom to act, or sends the browser to the issuer. */
export function SignInPage() {
  const settings = config();
  const reason = useStore(endReason);
  return (
    <main class="sign-in">
      <p class="product">
        <img src="icon.svg" alt="" width="32" height="32" /> Strongroom {settings.version}
      </p>
      <h1 tabIndex={-1}>Sign in</h1>
      {reason !== "" && (
        <p class="notice" role="alert">
          {reason}
        </p>
      )}
      {settings.mode === "simulator" ? <Principals settings={settings} /> : <Issuer settings={settings} />}
    </main>
  );
}

function Principals({ settings }: { settings: SimulatorConfig }) {
  const task = useTask();
  return (
    <>
      <p>This is a simulator: choose a principal to act as. No password is needed.</p>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
      <ul class="principals">
        {settings.principals.map((principal) => (
          <li key={principal.id}>
            <button type="button" disabled={task.busy} onClick={() => void task.run(() => signInAs(principal))}>
              <b>{principal.name}</b>
              <span>{principal.description ?? principal.id}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Issuer({ settings }: { settings: GatewayConfig }) {
  const task = useTask();
  return (
    <>
      <p>
        This service trusts the issuer <code>{settings.issuer}</code>.
      </p>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
      <button type="button" class="primary" disabled={task.busy} onClick={() => void task.run(() => beginSignIn(settings))}>
        Sign in
      </button>
    </>
  );
}
