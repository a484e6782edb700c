import { createHarness } from "../testing/harness.js";
import type { Answer, Harness, HarnessOptions } from "../testing/harness.js";
import { loginEngine } from "../testing/login-engine.js";

/** A harness with an auth mount `auth/login`, and what tests of identities do again and again. */
export interface IdentityHarness extends Harness {
  /** Of auth/login. */
  readonly accessor: string;
  login(name: string, more?: Readonly<Record<string, unknown>>, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Logs in and gives the token. */
  tokenOf(name: string, more?: Readonly<Record<string, unknown>>): Promise<string>;
  /** The entity of a name that auth/login knows. */
  entityOf(name: string): Promise<Answer["body"]>;
  /** Posts and expects an answer with data. */
  made(path: string, body: Readonly<Record<string, unknown>>): Promise<Answer["body"]>;
}

export async function createIdentityHarness({ askFactor }: Pick<HarnessOptions, "askFactor"> = {}): Promise<IdentityHarness> {
  const harness = await createHarness({ engines: [loginEngine], ...(askFactor && { askFactor }), services: { identity: { apiAddress: () => "https://vault.test:8200" } } });
  const { request, mount } = harness;
  await mount("auth/login", "login");
  const accessor = (await request("GET", "sys/auth/login")).body["data"].accessor as string;
  const login: IdentityHarness["login"] = (name, more = {}, headers = {}) => request("POST", `auth/login/login/${name}`, { password: "let-me-in", ...more }, { token: "", headers });
  async function made(path: string, body: Readonly<Record<string, unknown>>): Promise<Answer["body"]> {
    const answer = await request("POST", path, body);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return answer.body["data"] as Answer["body"];
  }
  return {
    ...harness,
    accessor,
    login,
    made,
    tokenOf: async (name, more) => (await login(name, more)).body["auth"].client_token as string,
    entityOf: async (name) => (await request("POST", "identity/lookup/entity", { alias_name: name, alias_mount_accessor: accessor })).body["data"] as Answer["body"],
  };
}
