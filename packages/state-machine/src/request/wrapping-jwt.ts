import type { JWK } from "jose";
import { RequestError } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import type { Store } from "../store/index.js";
import type { ApiRequest } from "./api.js";
import type { WrapInfo } from "./envelope.js";
import { parseBody } from "./parse.js";

/**
 * `X-Vault-Wrap-Format: jwt`: a wrapping token inside a JWT (RFC 7519), which says where it can be opened. The token itself is
 * its `jti`, as in Vault, so it is as secret as the token. One key for all, below `core/`: `wrapping/jwt-key`.
 */
const KEY = "wrapping/jwt-key";
const ALGORITHM = "ES512";
const codec = jsonCodec<JWK>();
const MS = 1000;
/** Loaded by who uses it: most nodes never do. */
const library = () => import("jose");
/** Clocks of other machines may be behind. Seconds. */
const EARLIER = 5;

export const isJwtAsked = ({ headers }: Pick<ApiRequest, "headers">): boolean => headers["x-vault-wrap-format"] === "jwt";

async function keyOf(storage: WriteStorage): Promise<JWK> {
  const known = storage.get(KEY, codec);
  if (known) return known;
  const { exportJWK, generateKeyPair } = await library();
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const made = await exportJWK(privateKey);
  storage.put(KEY, codec, made);
  return made;
}

/** The same token as a JWT. `address`: URL of the node that can open it; empty where that is not known. */
export async function asJwt(storage: WriteStorage, info: WrapInfo, address: string, env: Environment): Promise<WrapInfo> {
  const { CompactSign, importJWK } = await library();
  const key = await importJWK(await keyOf(storage), ALGORITHM);
  const now = Math.floor(env.now() / MS);
  const claims = { jti: info.token, iat: now, nbf: now - EARLIER, exp: now + info.ttl, accessor: info.wrapped_accessor ?? "", type: "wrapping", addr: address };
  const token = await new CompactSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader({ alg: ALGORITHM, typ: "JWT" }).sign(key);
  return { ...info, token };
}

/** The public key as Vault tells it: a point of the curve, in decimal. */
export async function wrappingPublicKey(storage: WriteStorage): Promise<{ readonly jwt_curve: "p521"; readonly jwt_x: string; readonly jwt_y: string }> {
  const { x = "", y = "" } = await keyOf(storage);
  const decimal = (text: string) => BigInt(`0x${Buffer.from(text, "base64url").toString("hex")}`).toString();
  return { jwt_curve: "p521", jwt_x: decimal(x), jwt_y: decimal(y) };
}

const PATHS = ["sys/wrapping/unwrap", "sys/wrapping/lookup", "sys/wrapping/rewrap"];
/** Tokens begin with a kind of up to three letters and a dot. */
const looksLikeJwt = (token: unknown): token is string => typeof token === "string" && token.split(".").length === 3 && token[1] !== "." && token[3] !== ".";

/**
 * The request with the tokens themselves, where it shows a wrapping token as a JWT. A promise only then. Throws, or rejects
 * with, RequestError 400 and 403.
 */
export function openJwts(request: ApiRequest, store: Pick<Store, "evaluate">): ApiRequest | Promise<ApiRequest> {
  if (!PATHS.includes(request.path)) return request;
  const body = request.operation === "update" && request.body.length > 0 ? parseBody(request, "update") : {};
  const [own, named] = [looksLikeJwt(request.token), looksLikeJwt(body["token"])];
  if (!own && !named) return request;
  return opened(request, own ? request.token : undefined, named ? body : undefined, store);
}

async function opened(request: ApiRequest, own: string | undefined, body: Readonly<Record<string, unknown>> | undefined, store: Pick<Store, "evaluate">): Promise<ApiRequest> {
  const jwk = store.evaluate((tx) => publicHalf(tx.scoped("core/"))).value;
  const token = own === undefined ? request.token : await open(own, jwk);
  if (!body) return { ...request, token };
  const named = await open(body["token"] as string, jwk);
  return { ...request, token, contentType: "application/json", body: Buffer.from(JSON.stringify({ ...body, token: named })) };
}

function publicHalf(storage: ReadStorage): JWK | undefined {
  const { kty, crv, x, y } = storage.get(KEY, codec) ?? {};
  return kty === undefined ? undefined : ({ kty, crv, x, y } as JWK);
}

const refused = (why: string) => new RequestError("permission_denied", `error validating wrapping token: ${why}`);

async function open(jwt: string, jwk: JWK | undefined): Promise<string> {
  if (!jwk) throw refused("wrapping token signature could not be validated");
  const { compactVerify, errors, importJWK } = await library();
  let claims: { readonly jti?: unknown; readonly type?: unknown };
  try {
    const { payload } = await compactVerify(jwt, await importJWK(jwk, ALGORITHM), { algorithms: [ALGORITHM] });
    claims = JSON.parse(Buffer.from(payload).toString()) as typeof claims;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) throw refused("wrapping token signature could not be validated");
    throw refused("wrapping token could not be parsed");
  }
  if (claims.type !== "wrapping" || typeof claims.jti !== "string") throw refused("unexpected type claim");
  return claims.jti;
}
