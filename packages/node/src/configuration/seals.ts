import type { BlockReader, BodyReader } from "@coffer/hcl";
import { ConfigurationError, variable } from "./environment.js";
import type { Environment } from "./environment.js";
import type { AutoSealConfiguration } from "./types.js";

/** One setting of a seal: a key of its block, and the variables that win over it, as in Vault. */
interface Setting {
  readonly name: string;
  readonly variables?: readonly string[];
  /** A variable that the file wins over: those of the CLI may be meant for another server. */
  readonly fallback?: string;
  readonly default?: string;
  readonly required?: true;
  /** What to do instead: the key is known to Vault and not built here. */
  readonly refused?: string;
}

const SETTINGS: Readonly<Record<AutoSealConfiguration["type"], readonly Setting[]>> = {
  awskms: [
    { name: "region", variables: ["AWS_REGION", "AWS_DEFAULT_REGION"], default: "us-east-1" },
    { name: "kms_key_id", variables: ["VAULT_AWSKMS_SEAL_KEY_ID"], required: true },
    { name: "endpoint", variables: ["AWS_KMS_ENDPOINT"] },
    // Both of these, or neither: without them the SDK looks where every AWS tool looks, the variables among it.
    { name: "access_key" },
    { name: "secret_key" },
    { name: "session_token" },
    { name: "shared_creds_profile", fallback: "AWS_PROFILE" },
    { name: "shared_creds_filename", refused: "set AWS_SHARED_CREDENTIALS_FILE" },
    { name: "role_arn", refused: "set AWS_ROLE_ARN" },
    { name: "role_session_name", refused: "set AWS_ROLE_SESSION_NAME" },
    { name: "web_identity_token_file", refused: "set AWS_WEB_IDENTITY_TOKEN_FILE" },
  ],
  transit: [
    { name: "address", variables: ["VAULT_TRANSIT_SEAL_ADDR"], fallback: "VAULT_ADDR", required: true },
    { name: "token", variables: ["VAULT_TRANSIT_SEAL_TOKEN"], fallback: "VAULT_TOKEN" },
    { name: "key_name", variables: ["VAULT_TRANSIT_SEAL_KEY_NAME"], required: true },
    { name: "mount_path", variables: ["VAULT_TRANSIT_SEAL_MOUNT_PATH"], required: true },
    { name: "namespace", fallback: "VAULT_NAMESPACE" },
    { name: "disable_renewal", variables: ["VAULT_TRANSIT_SEAL_DISABLE_RENEWAL"] },
    { name: "tls_ca_cert", fallback: "VAULT_CACERT" },
    { name: "tls_client_cert", fallback: "VAULT_CLIENT_CERT" },
    { name: "tls_client_key", fallback: "VAULT_CLIENT_KEY" },
    { name: "tls_server_name", fallback: "VAULT_TLS_SERVER_NAME" },
    { name: "tls_skip_verify", fallback: "VAULT_SKIP_VERIFY" },
  ],
  static: [
    { name: "current_key", variables: ["VAULT_STATIC_SEAL_CURRENT_KEY"], required: true },
    { name: "current_key_id", variables: ["VAULT_STATIC_SEAL_CURRENT_KEY_ID"], required: true },
    { name: "previous_key", variables: ["VAULT_STATIC_SEAL_PREVIOUS_KEY"] },
    { name: "previous_key_id", variables: ["VAULT_STATIC_SEAL_PREVIOUS_KEY_ID"] },
  ],
};

const KNOWN = '"shamir" (the default), "awskms", "transit" and "static"';
/** Keys of other versions of Vault that change nothing here. */
const HARMLESS = ["key_not_required"];

const isAuto = (type: string): type is AutoSealConfiguration["type"] => Object.hasOwn(SETTINGS, type);

/** The auto seals, as the file has them; none where key shares are all there is. Throws HclError or ConfigurationError. */
export function readSeals(blocks: readonly BlockReader[], environment: Environment): readonly AutoSealConfiguration[] {
  if (blocks.length === 0) return fromEnvironment(environment);
  const shamir = blocks.filter(({ labels }) => labels[0] === "shamir");
  for (const { body } of shamir) {
    body.ignore("disabled", "name", "priority");
    body.end();
  }
  const seals = blocks.filter((block) => !shamir.includes(block)).map((block) => readSeal(block, blocks, environment));
  const [first] = shamir;
  if (first && seals.some(({ disabled }) => !disabled)) first.fail('a seal "shamir" stands beside no other one; leave it out');
  refuseTwins(blocks, seals);
  return seals;
}

function fromEnvironment(environment: Environment): readonly AutoSealConfiguration[] {
  const type = variable(environment, "VAULT_SEAL_TYPE") ?? "shamir";
  if (type === "shamir") return [];
  const problem = (text: string): never => {
    throw new ConfigurationError(`environment variable VAULT_SEAL_TYPE: ${text}`);
  };
  if (!isAuto(type)) return problem(`seal ${JSON.stringify(type)} is not known; this version has ${KNOWN}`);
  const options = settle(type, () => undefined, environment, (name, text) => problem(`seal ${JSON.stringify(type)} ${text}: set ${SETTINGS[type].find((one) => one.name === name)?.variables?.[0] ?? name}`));
  return [{ type, name: type, priority: 1, disabled: false, options }];
}

function readSeal(block: BlockReader, blocks: readonly BlockReader[], environment: Environment): AutoSealConfiguration {
  const { labels, body } = block;
  const type = labels[0] ?? "";
  if (!isAuto(type)) return block.fail(`seal ${JSON.stringify(type)} is not known; this version has ${KNOWN}`);
  const { disabled = false, name = type, priority = 1 } = { ...defined({ disabled: body.bool("disabled"), name: body.string("name"), priority: body.int("priority") }) };
  if (priority < 1) body.fail("priority", "priority is 1 or more");
  // With two seals of one kind, a variable could not say which of them it means.
  const isOnly = blocks.filter((other) => other.labels[0] === type).length === 1;
  const ownVariables = isOnly && !(body.bool("disallow_env_vars") ?? false) ? environment : {};
  const options = settle(type, (key) => scalar(body, key), ownVariables, (key, text) => (body.items(key).length > 0 ? body.fail(key, text) : block.fail(`seal ${JSON.stringify(type)} ${text}`)));
  body.ignore(...HARMLESS);
  body.end();
  return { type, name, priority, disabled, options };
}

function defined<T extends Record<string, unknown>>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Options that are empty are left out: guides write `endpoint = ""`. */
function settle(type: AutoSealConfiguration["type"], read: (name: string) => string | undefined, environment: Environment, fail: (name: string, problem: string) => never): Readonly<Record<string, string>> {
  const options: Record<string, string> = {};
  for (const { name, variables = [], fallback, refused, required, default: usual } of SETTINGS[type]) {
    const given = read(name);
    if (refused !== undefined && given) fail(name, `${name} is not read from the file: ${refused} in the environment of the server instead`);
    const value = variables.map((one) => variable(environment, one)).find((one) => one !== undefined) || given || (fallback === undefined ? undefined : variable(environment, fallback)) || usual;
    if (value) options[name] = value;
    else if (required) fail(name, `needs ${name}`);
  }
  for (const [one, other] of [["access_key", "secret_key"], ["tls_client_cert", "tls_client_key"], ["previous_key", "previous_key_id"]] as const) {
    if ((options[one] === undefined) !== (options[other] === undefined)) fail(one, `takes both of ${one} and ${other}, or neither`);
  }
  return options;
}

function refuseTwins(blocks: readonly BlockReader[], seals: readonly AutoSealConfiguration[]): void {
  const last = blocks[blocks.length - 1]!;
  const names = seals.map(({ name }) => name);
  const twin = names.find((name, i) => names.indexOf(name) !== i);
  if (twin !== undefined) last.fail(`two seals are called ${JSON.stringify(twin)}; give each its own name`);
  const priorities = seals.filter(({ disabled }) => !disabled).map(({ priority }) => priority);
  if (new Set(priorities).size !== priorities.length) last.fail("two enabled seals have the same priority; give each its own, 1 is used first");
}

function scalar(body: BodyReader, name: string): string | undefined {
  const [item] = body.items(name);
  return item?.kind === "attribute" && item.value.kind === "bool" ? String(body.bool(name)) : body.string(name);
}
