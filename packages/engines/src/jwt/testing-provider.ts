import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";

/** A real OpenID Connect provider on loopback, and somebody with a browser who logs in at it. */
export interface TestProvider {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Opens the URL, logs in as this user, consents, and gives where the provider then sends the browser. */
  visit(authUrl: string, user: string): Promise<URL>;
  close(): void;
}

interface ProviderOptions {
  readonly redirectUris: readonly string[];
  readonly clientSecret?: string;
  readonly tokenEndpointAuth?: "client_secret_basic" | "client_secret_post";
}

export async function testProvider({ redirectUris, clientSecret = "s3cret/+ &", tokenEndpointAuth = "client_secret_basic" }: ProviderOptions): Promise<TestProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const provider = new Provider(url, {
    clients: [{ client_id: "coffer", client_secret: clientSecret, redirect_uris: [...redirectUris], token_endpoint_auth_method: tokenEndpointAuth, application_type: "native" }],
    clientAuthMethods: [tokenEndpointAuth],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: "op", use: "sig", alg: "RS256" } as never] },
    cookies: { keys: ["a key of the test"] },
    claims: { openid: ["sub"], profile: ["name"], groups: ["groups"] },
    scopes: ["openid", "profile", "groups"],
    pkce: { required: () => true },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, name: `The ${sub}`, groups: ["ops", sub] }) }),
    ttl: { Session: 600, Grant: 600, Interaction: 600, AccessToken: 600, IdToken: 600 },
  });
  server.on("request", provider.callback());
  return {
    url,
    clientId: "coffer",
    clientSecret,
    visit: (authUrl, user) => visit(authUrl, user, url),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function visit(authUrl: string, user: string, origin: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let [target, form]: [URL, URLSearchParams | undefined] = [new URL(authUrl), undefined];
  for (let step = 0; step < 20; step++) {
    if (target.origin !== origin) return target;
    const answer: Response = await fetch(target, { redirect: "manual", headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }, ...(form && { method: "POST", body: form }) });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get("location");
    const text = await answer.text();
    if (location !== null) [target, form] = [new URL(location, target), undefined];
    else {
      const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1];
      if (prompt === undefined) throw new Error(`the provider answered ${answer.status}: ${text.slice(0, 500)}`);
      form = new URLSearchParams({ prompt, login: user, password: "any" });
    }
  }
  throw new Error("the provider does not come to an end");
}
