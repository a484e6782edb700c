import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A real OpenID Connect provider on loopback, and somebody with a browser who logs in at it. */
export interface OidcProvider {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Opens the URL, logs in as this user, consents, and gives where the provider then sends the browser. */
  visit(authUrl: string, user: string): Promise<URL>;
  /** What the browser is made to post (form_post), and where. */
  visitForm(authUrl: string, user: string): Promise<{ readonly target: URL; readonly form: URLSearchParams }>;
  /** Opens the URL of a device, enters its code and logs in as this user, who may refuse. */
  approve(url: string, user: string, decision?: "yes" | "abort"): Promise<void>;
  /** How often somebody came with a code. */
  redeemed(): number;
  close(): void;
}

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

export interface OidcProviderOptions {
  readonly redirectUris: readonly string[];
  readonly clientSecret?: string;
  readonly tokenEndpointAuth?: "client_secret_basic" | "client_secret_post";
  /** Instead of the groups that everybody has. */
  readonly claimsOf?: (sub: string) => Readonly<Record<string, unknown>>;
}

export async function startOidcProvider({ redirectUris, clientSecret = "s3cret/+ &", tokenEndpointAuth = "client_secret_basic", claimsOf = (sub) => ({ groups: ["ops", sub] }) }: OidcProviderOptions): Promise<OidcProvider> {
  // Few tests need it.
  const { Provider } = await import("oidc-provider");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(url, {
    clients: [{ client_id: "coffer", client_secret: clientSecret, redirect_uris: [...redirectUris], token_endpoint_auth_method: tokenEndpointAuth, application_type: "native", response_types: ["code", "id_token"], grant_types: ["authorization_code", "implicit", DEVICE_GRANT] }],
    features: { deviceFlow: { enabled: true } },
    responseTypes: ["code", "id_token"],
    clientAuthMethods: [tokenEndpointAuth],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "op", use: "sig", alg: "RS256" } as never] },
    cookies: { keys: ["a key of the test"] },
    claims: { openid: ["sub"], profile: ["name"], groups: ["groups", "_claim_names", "_claim_sources"] },
    scopes: ["openid", "profile", "groups"],
    pkce: { required: () => true },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, name: `The ${sub}`, ...claimsOf(sub) }) }),
    ttl: { Session: 600, Grant: 600, Interaction: 600, AccessToken: 600, IdToken: 600 },
  });
  let redeemed = 0;
  server.on("request", ({ url: path = "" }) => (redeemed += path.startsWith("/token") ? 1 : 0)).on("request", provider.callback());
  return {
    url,
    clientId: "coffer",
    clientSecret,
    redeemed: () => redeemed,
    visit: async (authUrl, user) => (await browse(authUrl, user, url)).target,
    visitForm: async (authUrl, user) => {
      const { target, form } = await browse(authUrl, user, url);
      if (!form) throw new Error(`the provider does not have the browser post anything, but go to ${target}`);
      return { target, form };
    },
    approve: async (deviceUrl, user, decision = "yes") => void (await browse(deviceUrl, user, url, decision)),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Left {
  readonly target: URL;
  readonly form?: URLSearchParams;
}

/** Goes on until the provider sends the browser elsewhere, or shows a page without a form. */
async function browse(start: string, user: string, origin: string, decision = "yes"): Promise<Left> {
  const cookies = new Map<string, string>();
  let [target, form]: [URL, URLSearchParams | undefined] = [new URL(start), undefined];
  for (let step = 0; step < 20; step++) {
    if (target.origin !== origin) return { target, ...(form && { form }) };
    const answer: Response = await fetch(target, { redirect: "manual", headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }, ...(form && { method: "POST", body: form }) });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get("location");
    const text = await answer.text();
    if (location !== null) {
      [target, form] = [new URL(location, target), undefined];
      continue;
    }
    const action = /<form[^>]* action="([^"]*)"/.exec(text)?.[1];
    if (action === undefined) {
      if (answer.status === 200) return { target };
      throw new Error(`the provider answered ${answer.status}: ${text.slice(0, 500)}`);
    }
    const inputs = [...text.matchAll(/<input[^>]* name="([^"]+)"[^>]*? value="([^"]*)"/g)].map(([, name, value]) => [name!, value!.replaceAll("&amp;", "&")]);
    const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1];
    const given = decision === "yes" ? inputs : inputs.map(([name, value]) => [name === "confirm" ? decision : name!, value!]);
    form = prompt === undefined ? new URLSearchParams(given as [string, string][]) : new URLSearchParams({ prompt, login: user, password: "any" });
    target = new URL(action.replaceAll("&amp;", "&"), target);
  }
  throw new Error("the provider does not come to an end");
}
