import { outgoing } from "../outgoing/request.js";

/** Of github.com. */
const PUBLIC_API = "https://api.github.com/";
/** Of GitHub's lists, at most. */
const PAGE_SIZE = 100;
/** No user is in more organizations or teams than fit into these: a server that never ends its list is ended. */
const MAX_PAGES = 100;

/** A user, and what of theirs belongs to the organization. */
export interface Member {
  readonly login: string;
  readonly organization: string;
  /** Names, and slugs where they differ. */
  readonly teams: readonly string[];
}

/** Why GitHub's answer is no member. */
export class GithubRefused extends Error {}

/** Whose token this is. Rejects with GithubRefused where it is nobody's, or not a member's. */
export async function memberOf(token: string, organizationId: number, baseUrl: string): Promise<Member> {
  const { login } = object((await get(`${apiOf(baseUrl)}user`, token)).value) as { readonly login?: unknown };
  if (typeof login !== "string" || login === "") throw new GithubRefused("the user has no login");
  const organizations = await all(`${apiOf(baseUrl)}user/orgs`, token);
  const organization = organizations.find(({ id }) => id === organizationId);
  if (!organization) throw new GithubRefused("user is not part of required org");
  const teams = (await all(`${apiOf(baseUrl)}user/teams`, token)).filter((team) => (team["organization"] as { readonly id?: unknown } | undefined)?.id === organizationId);
  const names = teams.flatMap(({ name, slug }) => [name, slug]).filter((one) => typeof one === "string");
  return { login, organization: String(organization["login"] ?? ""), teams: [...new Set(names)] };
}

/** The organization's number, which stays when it is renamed. `token` may be empty. */
export async function organizationIdOf(name: string, baseUrl: string, token: string): Promise<number> {
  const { id } = object((await get(`${apiOf(baseUrl)}orgs/${encodeURIComponent(name)}`, token)).value) as { readonly id?: unknown };
  if (!Number.isSafeInteger(id) || id === 0) throw new GithubRefused(`organization_id not found for ${name}`);
  return id as number;
}

const apiOf = (baseUrl: string): string => (baseUrl === "" ? PUBLIC_API : baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`);

type Entry = Readonly<Record<string, unknown>>;

async function all(url: string, token: string): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  let next: string | undefined = `${url}?per_page=${PAGE_SIZE}`;
  for (let page = 0; next !== undefined && page < MAX_PAGES; page++) {
    const { value, link } = await get(next, token);
    if (!Array.isArray(value)) throw new GithubRefused("GitHub's answer is no list");
    found.push(...value.map(object));
    next = nextPage(link, next);
  }
  return found;
}

/** The `next` of a Link header (RFC 8288), if it leads to the same server: the token goes to no other. */
export function nextPage(link: string, from: string): string | undefined {
  const target = /<([^<>]+)>\s*;[^,<]*\brel="?next"?/.exec(link)?.[1];
  if (target === undefined || !URL.canParse(target, from)) return undefined;
  const url = new URL(target, from);
  return url.origin === new URL(from).origin ? url.href : undefined;
}

async function get(url: string, token: string): Promise<{ readonly value: unknown; readonly link: string }> {
  const { status, headers, text } = await outgoing({ url, headers: { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28", ...(token !== "" && { authorization: `Bearer ${token}` }) } });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (status !== 200) {
    const message = (value as { readonly message?: unknown } | undefined)?.message;
    throw new GithubRefused(`GET ${url.split("?")[0]}: ${status}${typeof message === "string" ? ` ${message}` : ""}`);
  }
  return { value, link: String(headers["link"] ?? "") };
}

function object(value: unknown): Entry {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new GithubRefused("GitHub's answer is no object");
  return value as Entry;
}
