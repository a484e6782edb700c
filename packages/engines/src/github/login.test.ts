import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";
import { plainServer } from "../web-tokens/testing.js";
import { nextPage } from "./api.js";

const ORGANIZATION = { id: 9919, login: "mycompany" };
/** Small, so that every list has pages. */
const PAGE = 2;

/** GitHub's REST API on loopback, for one organization: two lists in pages, with Link headers. */
async function github() {
  const state = {
    tokens: new Map<string, string>([["ghp_ann", "Ann"], ["ghp_eve", "eve"]]),
    organizations: { Ann: [{ id: 1, login: "one" }, { id: 2, login: "two" }, ORGANIZATION], eve: [{ id: 1, login: "mycompany" }] } as Record<string, readonly { readonly id: number; readonly login: string }[]>,
    teams: [["Other", 1], ["Site Reliability", 9919], ["engineering", 9919], ["platform", 1]].map(([name, id]) => ({ name: name as string, slug: (name as string).toLowerCase().replaceAll(" ", "-"), organization: { id } })),
  };
  const server = await plainServer(({ url = "", headers }) => {
    const { pathname, searchParams } = new URL(url, "http://x");
    if (pathname === "/api/v3/orgs/mycompany") return { json: ORGANIZATION };
    const user = state.tokens.get((headers.authorization ?? "").replace("Bearer ", ""));
    if (user === undefined) return { status: 401, json: { message: "Bad credentials", documentation_url: "https://docs.github.com/rest", status: "401" } };
    if (pathname === "/api/v3/user") return { json: { login: user, id: 5 } };
    const list: readonly unknown[] | undefined = pathname === "/api/v3/user/orgs" ? state.organizations[user] : pathname === "/api/v3/user/teams" ? state.teams : undefined;
    if (!list) return { status: 404, json: { message: "Not Found" } };
    assert.equal(searchParams.get("per_page"), "100");
    const page = Number(searchParams.get("page") ?? "1");
    const link = (to: number, rel: string) => `<${server.url}${pathname}?per_page=100&page=${to}>; rel="${rel}"`;
    const last = Math.ceil(list.length / PAGE);
    const links = [...(page > 1 ? [link(page - 1, "prev"), link(1, "first")] : []), ...(page < last ? [link(page + 1, "next"), link(last, "last")] : [])];
    return { json: list.slice((page - 1) * PAGE, page * PAGE), headers: { link: links.join(", ") } };
  });
  return { ...server, state };
}

async function service() {
  const harness = await createHarness();
  const api = await github();
  await harness.mount("auth/github", "github");
  const base_url = `${api.url}/api/v3`;
  const written = await harness.request("POST", "auth/github/config", { organization: "mycompany", base_url, ttl: "1h", max_ttl: "24h" });
  assert.equal(written.status, 204, written.text);
  const login = (token: unknown, options = {}) => harness.request("POST", "auth/github/login", { token } as Record<string, unknown>, { token: "", ...options });
  const refuses = async (token: unknown, message: string | RegExp, status = 400) => {
    const before = harness.store.index();
    const answer = await login(token);
    assert.equal(answer.status, status, answer.text);
    if (typeof message === "string") assert.equal(answer.body.errors![0], message);
    else assert.match(answer.body.errors![0]!, message);
    assert.equal(harness.store.index(), before, "nothing is written");
  };
  return { ...harness, api, base_url, login, refuses };
}

test("a member gets the policies of the teams, by name or slug, of the user and of all", async (t) => {
  const { request, store, api, login } = await service();
  t.after(() => api.close());
  await request("POST", "auth/github/map/teams/engineering", { value: "engineering-policy,secrets-read" });
  await request("POST", "auth/github/map/teams/site-reliability", { value: "sre" });
  await request("POST", "auth/github/map/teams/platform", { value: "platform-admin-policy" });
  await request("POST", "auth/github/map/teams/default", { value: "all" });
  await request("POST", "auth/github/map/users/ANN", { value: "ann , secrets-read" });
  const index = store.index();
  const { status, body } = await login("ghp_ann");
  assert.equal(store.index(), index + 1, "token, entity and alias are one entry");
  assert.equal(status, 200, JSON.stringify(body));
  const { client_token: token, policies, metadata, lease_duration } = body["auth"];
  assert.deepEqual(policies, ["all", "ann", "default", "engineering-policy", "secrets-read", "sre"]);
  assert.deepEqual([metadata, lease_duration], [{ org: "mycompany", username: "Ann" }, 3600]);
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token })).body["data"].display_name, "github-Ann");
});

test("who is not a member, by the organization's number, is refused; and so is a bad token", async (t) => {
  const { api, refuses } = await service();
  t.after(() => api.close());
  await refuses("ghp_eve", "user is not part of required org");
  await refuses("ghp_none", /^GET http.*\/user: 401 Bad credentials$/);
  await refuses("", "missing token");
  for (const token of ["a b", "a\r\nx-other: y", "é", "a".repeat(2000)]) await refuses(token, "the token is not a GitHub token");
  await refuses({ a: 1 }, /error converting input for field "token"/);
  await refuses(["ghp_ann"], /error converting input for field "token"/);
});

test("an answer that is none of GitHub's is no login", async (t) => {
  const { api, refuses } = await service();
  t.after(() => api.close());
  const { organizations, teams } = api.state;
  for (const strange of [null, 7, "mycompany", [9919]]) {
    api.state.organizations = { Ann: [strange as never] };
    await refuses("ghp_ann", "GitHub's answer is no object");
    api.state.organizations = organizations;
    api.state.teams = [strange as never];
    await refuses("ghp_ann", "GitHub's answer is no object");
    api.state.teams = teams;
  }
  for (const login of [null, 7, "", ["Ann"], { a: 1 }]) {
    api.state.tokens.set("ghp_ann", login as never);
    await refuses("ghp_ann", "the user has no login");
  }
});

test("a renewal asks GitHub again, and is refused when policies have changed or the user has gone", async (t) => {
  const { request, api, login } = await service();
  t.after(() => api.close());
  await request("POST", "auth/github/map/teams/engineering", { value: "a" });
  const token = (await login("ghp_ann")).body["auth"].client_token as string;
  const renew = () => request("POST", "auth/token/renew-self", {}, { token });
  assert.equal((await renew()).status, 200);
  await request("POST", "auth/github/map/teams/engineering", { value: "a,b" });
  assert.deepEqual((await renew()).body.errors, ["policies do not match"]);
  await request("POST", "auth/github/map/teams/engineering", { value: "a" });
  assert.equal((await renew()).status, 200);
  api.state.tokens.delete("ghp_ann");
  assert.match((await renew()).body.errors![0]!, /401 Bad credentials/);
});

test("maps: keys without regard to case, lists, and what is refused", async (t) => {
  const { request, api, store } = await service();
  t.after(() => api.close());
  assert.equal((await request("GET", "auth/github/map/teams")).status, 404);
  assert.equal((await request("POST", "auth/github/map/teams/Dev", { value: "x" })).status, 204);
  assert.deepEqual((await request("GET", "auth/github/map/teams/DEV")).body["data"], { key: "Dev", value: "x" });
  for (const method of ["LIST", "GET"] as const) assert.deepEqual((await request(method, "auth/github/map/teams")).body["data"], { keys: ["dev"] });
  assert.equal((await request("LIST", "auth/github/map/users")).status, 404);
  assert.equal((await request("DELETE", "auth/github/map/teams/dev")).status, 204);
  assert.equal((await request("GET", "auth/github/map/teams/dev")).status, 404);
  const before = store.index();
  assert.equal((await request("POST", "auth/github/map/teams/a.b", { value: "x" })).status, 400);
  assert.equal((await request("POST", "auth/github/map/teams/a", { value: { b: 1 } })).status, 400);
  assert.equal(store.index(), before);
});

test("the configuration: the number is looked up, kept, and asked for anew for another organization", async (t) => {
  const { request, api, base_url, store } = await service();
  t.after(() => api.close());
  const { data } = (await request("GET", "auth/github/config")).body;
  assert.deepEqual([data.organization, data.organization_id, data.base_url, data.ttl, data.max_ttl, data.token_ttl, data.token_max_ttl], ["mycompany", 9919, base_url, 3600, 86400, 3600, 86400]);
  assert.equal((await request("POST", "auth/github/config", { token_ttl: "2h" })).status, 204);
  assert.equal((await request("GET", "auth/github/config")).body["data"].organization_id, 9919);
  assert.equal(api.asked.length, 1);
  const before = store.index();
  const refused = async (body: Readonly<Record<string, unknown>>) => {
    const answer = await request("POST", "auth/github/config", body);
    assert.equal(answer.status, 400, answer.text);
    return answer.body.errors![0]!;
  };
  assert.match(await refused({ organization: "other" }), /^unable to fetch the organization_id, you must manually set it in the config: GET .*\/orgs\/other: 401 Bad credentials$/);
  assert.equal(await refused({ organization: "" }), "organization is a required parameter");
  assert.equal(await refused({ base_url: "nowhere" }), 'error parsing given base_url: "nowhere"');
  assert.equal(await refused({ organization_id: -1 }), "organization_id cannot be negative");
  assert.match(await refused({ organization_id: "x" }), /error converting input for field "organization_id"/);
  assert.equal(store.index(), before, "nothing is written");
  assert.equal((await request("POST", "auth/github/config", { organization: "other", organization_id: 7 })).status, 204);
});

test("without a configuration nobody logs in; from other addresses neither", async (t) => {
  const { request, mount, api, login, base_url } = await service();
  t.after(() => api.close());
  await mount("auth/empty", "github");
  assert.deepEqual((await request("POST", "auth/empty/login", { token: "x" })).body.errors, ["configuration has not been set"]);
  await request("POST", "auth/github/config", { organization: "mycompany", base_url, token_bound_cidrs: "10.0.0.0/8" });
  assert.equal((await login("ghp_ann")).status, 403);
  assert.equal((await login("ghp_ann", { remoteAddress: "10.1.2.3" })).status, 200);
});

test("the next page is found in a Link header, and never on another server", () => {
  const from = "https://api.github.com/user/orgs?per_page=100";
  assert.equal(nextPage('<https://api.github.com/a?page=1>; rel="prev", <https://api.github.com/a?page=3>; rel="next"', from), "https://api.github.com/a?page=3");
  assert.equal(nextPage('<https://evil.example/a>; rel="next"', from), undefined);
  assert.equal(nextPage('<https://api.github.com/a>; rel="last"', from), undefined);
  assert.equal(nextPage("", from), undefined);
});
