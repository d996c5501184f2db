import { render } from "preact";
import { App } from "./app.js";
import { followClock } from "./model/clock.js";
import { loadConfig } from "./session/config.js";
import { completeSignIn } from "./session/oidc.js";
import { endReason } from "./session/session.js";
import "./style.css";

const root = document.getElementById("console");
if (root !== null) {
  try {
    const config = await loadConfig();
    if (config.mode === "gateway") {
      await completeSignIn(config).catch((error: unknown) => endReason.set(String(error instanceof Error ? error.message : error)));
    }
    followClock();
    render(<App />, root);
  } catch (error) {
    render(<p role="alert">{error instanceof Error ? error.message : String(error)}</p>, root);
  }
}
