import { bearerOf, startWebServer } from "./web-server.js";
import type { WebServer } from "./web-server.js";

/** Whom a GitHub knows: one organization, and its members by their tokens. */
export interface GitHubOptions {
  readonly organization: string;
  readonly members: readonly { readonly login: string; readonly token: string; readonly teams: readonly string[] }[];
}

const ORGANIZATION_ID = 9919;
const REFUSED = { status: 401, json: { message: "Bad credentials", documentation_url: "https://docs.github.com/rest", status: "401" } };

/** The part of GitHub's REST API that tells who somebody is (https://docs.github.com/en/rest), each list in one page. */
export function startGitHub({ organization, members }: GitHubOptions): Promise<WebServer> {
  const known = { id: ORGANIZATION_ID, login: organization };
  return startWebServer((request) => {
    const { pathname } = new URL(request.url ?? "/", "http://x");
    if (pathname === `/orgs/${organization}`) return { json: known };
    const member = members.find(({ token }) => token === bearerOf(request));
    if (!member) return REFUSED;
    switch (pathname) {
      case "/user":
        return { json: { id: 1 + members.indexOf(member), login: member.login } };
      case "/user/orgs":
        return { json: [known] };
      case "/user/teams":
        return { json: member.teams.map((name) => ({ name, slug: name.toLowerCase().replaceAll(" ", "-"), organization: known })) };
      default:
        return { status: 404, json: { message: "Not Found" } };
    }
  });
}
