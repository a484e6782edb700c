import { RequestError } from "@coffer/state-machine";
import { TokenRefused } from "../web-tokens/signature.js";
import { askTokenEndpoint, identityFrom, tokensIn } from "./code-exchange.js";
import type { Known } from "./code-exchange.js";
import { discover, trustOf } from "./key-sets.js";
import type { Discovery } from "./key-sets.js";
import { postForm } from "./post-form.js";
import { redeemAgain, redeemOnce } from "./redeem-once.js";
import type { Flow, JwtConfig, JwtRole } from "./storage.js";

/** What the provider tells of a device that asks (RFC 8628, section 3.2). */
export interface DeviceAuthorization {
  readonly deviceCode: string;
  /** To open, with or without the code that the user has to enter there. */
  readonly url: string;
  /** Absent where the URL holds it. */
  readonly userCode?: string;
  /** Seconds; 0: not said. */
  readonly interval: number;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** Rejects with an Error that holds nothing secret. */
export async function authorizeDevice(config: JwtConfig, role: JwtRole, provider: Discovery): Promise<DeviceAuthorization> {
  const { device_authorization_endpoint: endpoint } = provider;
  if (endpoint === undefined || !URL.canParse(endpoint)) throw new Error("no device auth endpoint url discovered");
  const { status, answer } = await postForm(endpoint, { scope: [...new Set(["openid", ...(role.oidc_scopes ?? [])])].join(" ") }, config, provider);
  if (status !== 200) throw new Error(`status ${status}${text(answer["error"]) && `, ${text(answer["error"])}`}`);
  // Google and other old ones say url where the standard says uri.
  const whole = text(answer["verification_uri_complete"]) || text(answer["verification_url_complete"]);
  const url = whole || text(answer["verification_uri"]) || text(answer["verification_url"]);
  const deviceCode = text(answer["device_code"]);
  if (deviceCode === "" || !/^https?:\/\//.test(url)) throw new Error("the answer has no device_code or no verification_uri");
  return { deviceCode, url, ...(whole === "" && { userCode: text(answer["user_code"]) }), interval: typeof answer["interval"] === "number" ? Math.ceil(answer["interval"]) : 0 };
}

/** Not yet: the client is to ask again (RFC 8628, section 3.5). */
export type NotYet = "authorization_pending" | "slow_down";

/** What the provider says of the user, who may not be done. Throws TokenRefused. `now` in milliseconds. */
export async function pollDevice(flow: Flow, config: JwtConfig, role: JwtRole, now: number): Promise<Known | NotYet> {
  const refused = (error: Error): never => {
    throw new TokenRefused(`authorization failed: ${error.message}`);
  };
  const provider = await discover(config.oidc_discovery_url, trustOf(config), now).catch(refused);
  const login = `${flow.nonce} ${flow.deviceCode}`;
  const asked = redeemOnce(login, () => askTokenEndpoint({ grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: flow.deviceCode }, config, provider));
  const { status, answer } = await asked.catch((error: Error) => {
    redeemAgain(login);
    // A provider that cannot be reached now may be later; the user need not begin anew.
    throw new RequestError("upstream_failed", `error polling for device authorization: ${error.message}`);
  });
  if (status === 200) return identityFrom(tokensIn(answer), undefined, config, role, provider, now);
  const error = text(answer["error"]);
  if (error !== "authorization_pending" && error !== "slow_down") return refused(new Error(error || `status ${status}`));
  redeemAgain(login);
  return error;
}
