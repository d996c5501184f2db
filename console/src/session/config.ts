/** A principal of the simulator that one can sign in as. */
export interface Principal {
  readonly name: string;
  readonly id: string;
  readonly description?: string;
}

interface Common {
  readonly version: string;
  /** Containers and the subscription that the service names to begin with. */
  readonly hsm?: string;
  readonly vault?: string;
  readonly subscription?: string;
}

export interface SimulatorConfig extends Common {
  readonly mode: "simulator";
  readonly tenant: string;
  readonly principals: readonly Principal[];
}

export interface GatewayConfig extends Common {
  readonly mode: "gateway";
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** The resource that access tokens are requested for, if the scopes do not name it. */
  readonly resource?: string;
}

export type Config = SimulatorConfig | GatewayConfig;

let loaded: Config | undefined;

/** The configuration of the service that serves the console. */
export function config(): Config {
  if (loaded === undefined) {
    throw new Error("the configuration is not loaded");
  }
  return loaded;
}

export async function loadConfig(): Promise<Config> {
  const response = await fetch("config.json");
  if (!response.ok) {
    throw new Error(`the configuration of the console cannot be read: status ${response.status}`);
  }
  loaded = (await response.json()) as Config;
  return loaded;
}

/** The principals of the simulator; a gateway names none. */
export function principals(): readonly Principal[] {
  return loaded?.mode === "simulator" ? loaded.principals : [];
}

/** The name of a principal, if the service told it; otherwise its object id. */
export function principalName(id: string): string {
  return principals().find((principal) => principal.id === id)?.name ?? id;
}

/** The object id of a principal of the simulator that is given by its name; other texts are object ids already. */
export function objectId(nameOrId: string): string {
  return principals().find(({ name }) => name === nameOrId)?.id ?? nameOrId;
}
