import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useStore } from "./model/store.js";
import { AccessPage } from "./pages/access/page.js";
import { ActivityPage } from "./pages/activity.js";
import { AuditPage } from "./pages/audit/page.js";
import { CertificatePage } from "./pages/certificates/detail.js";
import { ClockPage } from "./pages/clock.js";
import { ContainerPage } from "./pages/containers/detail.js";
import { ContainersPage } from "./pages/containers/list.js";
import { CostPage } from "./pages/cost/page.js";
import { DeletedPage } from "./pages/deleted/page.js";
import { KeyPage } from "./pages/keys/detail.js";
import { SecretPage } from "./pages/secrets/detail.js";
import { SignInPage } from "./pages/sign-in.js";
import { TokensPage } from "./pages/tokens.js";
import { href, type Route, route } from "./router.js";
import { config } from "./session/config.js";
import { session, signOut } from "./session/session.js";
import { Announcement, pageChanged } from "./ui/announce.js";
import { ClockDisplay } from "./ui/clock-display.js";

const NAVIGATION: readonly (readonly [string, string])[] = [
  ["containers", "HSMs and vaults"],
  ["deleted", "Deleted items"],
  ["access", "Access"],
  ["cost", "Cost"],
  ["audit", "Audit"],
  ["tokens", "Tokens"],
  ["clock", "Clock"],
  ["activity", "Activity"],
];

/** The whole console: the page that signs in, or the frame with the current page. */
export function App() {
  const current = useStore(session);
  const at = useStore(route);
  const address = at.path.join("/");
  useEffect(() => {
    pageChanged();
    document.querySelector<HTMLElement>("h1")?.focus();
    document.title = `${document.querySelector("h1")?.textContent ?? "Console"} · Strongroom`;
  }, [address, current === undefined]);
  if (current === undefined) {
    return <SignInPage />;
  }
  const simulator = config().mode === "simulator";
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        Skip to the content
      </a>
      <header class="banner">
        <a class="product" href={href("containers")}>
          <img src="icon.svg" alt="" width="24" height="24" /> Strongroom
        </a>
        <span class="mode">{simulator ? "simulator" : "gateway"}</span>
        <ClockDisplay />
        <span class="principal">
          Acting as <b title={current.id}>{current.name}</b>
        </span>
        <button type="button" onClick={() => signOut()}>
          {simulator ? "Switch" : "Sign out"}
        </button>
      </header>
      <nav aria-label="Pages">
        {NAVIGATION.filter(([name]) => name !== "clock" || simulator).map(([name, title]) => (
          <a key={name} href={href(name)} aria-current={section(at) === name ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <main id="content" tabIndex={-1}>
        <Announcement />
        {/* The key starts every page anew for another address or principal. */}
        <div key={`${current.id} ${address}`}>{page(at)}</div>
      </main>
      <footer>
        Strongroom {config().version} · <a href="licenses.txt">Licences</a>
      </footer>
    </>
  );
}

/** Fragments are addresses of pages here, so the link moves the focus itself. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function section({ path }: Route): string {
  const [first = "containers"] = path;
  return first === "hsms" || first === "vaults" ? "containers" : first;
}

function page({ path }: Route): ComponentChildren {
  const [first = "containers", name, collection, item] = path;
  if ((first === "hsms" || first === "vaults") && name !== undefined) {
    const kind = first === "hsms" ? "hsm" : "vault";
    if (item === undefined) {
      return <ContainerPage kind={kind} name={name} tab={collection ?? "keys"} />;
    }
    switch (collection) {
      case "keys":
        return <KeyPage kind={kind} container={name} name={item} />;
      case "secrets":
        return <SecretPage vault={name} name={item} />;
      case "certificates":
        return <CertificatePage vault={name} name={item} />;
    }
  }
  switch (first) {
    case "containers":
      return <ContainersPage />;
    case "deleted":
      return <DeletedPage />;
    case "access":
      return <AccessPage />;
    case "cost":
      return <CostPage />;
    case "audit":
      return <AuditPage />;
    case "tokens":
      return <TokensPage />;
    case "clock":
      return <ClockPage />;
    case "activity":
      return <ActivityPage />;
    default:
      return (
        <>
          <h1 tabIndex={-1}>Not found</h1>
          <p>
            There is no such page. <a href={href("containers")}>HSMs and vaults</a>
          </p>
        </>
      );
  }
}
