import { ResultCodeError } from "ldapts";
import type { Client, Entry, SearchOptions } from "ldapts";
import { invalid, wrongCredentials } from "@coffer/state-machine";
import { DEREFERENCING, hasAccount } from "./config.js";
import type { LdapSettings } from "./config.js";
import { openConnection } from "./connection.js";
import type { LdapConnection } from "./connection.js";
import { commonNameOf, escapeDnValue } from "./dn.js";
import { sidText } from "./sid.js";
import { fillTemplate } from "./template.js";

const BIND_FAILED = "ldap operation failed: failed to bind as user";
const DEFAULT_USER_FILTER = "({{.UserAttr}}={{.Username}})";

/** What the directory says of somebody whose password is right. */
export interface DirectoryUser {
  /** What names the user for good. */
  readonly alias: string;
  readonly groups: readonly string[];
}

interface Found {
  readonly bindName: string;
  readonly alias: string;
}

/** Throws RequestError 400: `invalid_credentials` where the user or the password is wrong. */
export async function authenticate(settings: LdapSettings, username: string, password: string): Promise<DirectoryUser> {
  const connection = await openConnection(settings);
  try {
    const found = await findUser(connection.client, settings, username, password);
    await bindAs(connection.client, found.bindName, password, () => wrongCredentials(BIND_FAILED));
    if (hasAccount(settings)) await bindAs(connection.client, settings.binddn, settings.bindpass, () => invalid("ldap operation failed: failed to re-bind with the BindDN user"));
    const userDn = settings.upndomain === "" ? found.bindName : await dnOfPrincipal(connection.client, settings, username);
    const groups = await groupsOf(connection, settings, userDn, username);
    return { alias: settings.username_as_alias ? username : found.alias, groups };
  } finally {
    connection.close();
  }
}

const searches = (settings: LdapSettings) => settings.discoverdn || hasAccount(settings);

/** Throws what `refusal` makes where the server says no, and RequestError 400 where it says nothing of use. */
async function bindAs(client: Client, name: string, password: string, refusal: () => Error): Promise<void> {
  try {
    await client.bind(name, password);
  } catch (error) {
    if (error instanceof ResultCodeError) throw refusal();
    throw invalid(`ldap operation failed: ${error instanceof Error ? error.message : "unknown error"}`);
  }
}

async function search(client: Client, settings: LdapSettings, base: string, options: SearchOptions): Promise<Entry[]> {
  try {
    const { searchEntries } = await client.search(base, { derefAliases: DEREFERENCING[settings.dereference_aliases as keyof typeof DEREFERENCING], ...options });
    return searchEntries;
  } catch (error) {
    throw invalid(`LDAP search failed: ${reasonOf(error)}`);
  }
}

/** With the name of the result code (RFC 4511, appendix A): what a server says beside it is often empty. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  return error instanceof ResultCodeError ? `LDAP Result Code ${error.code} ${JSON.stringify(nameOf(error))}` : error.message;
}

const nameOf = ({ name }: Error): string => name.replace(/Error$/, "").replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ");

/** By whom to bind, and what names the user: found by a search, or made of the name. */
async function findUser(client: Client, settings: LdapSettings, username: string, password: string): Promise<Found> {
  if (!searches(settings)) {
    const name = settings.upndomain === "" ? `${settings.userattr}=${escapeDnValue(username)},${settings.userdn}` : `${escapeDnValue(username)}@${settings.upndomain}`;
    return { bindName: name, alias: name };
  }
  await bindAs(client, settings.binddn, settings.bindpass, () => invalid(BIND_FAILED));
  const isPrincipal = settings.upndomain !== "";
  const byName = fillTemplate(settings.userfilter || DEFAULT_USER_FILTER, { UserAttr: isPrincipal ? "userPrincipalName" : settings.userattr, Username: isPrincipal ? `${username}@${settings.upndomain}` : username });
  const filter = isPrincipal ? orAccountName(settings, byName, username) : byName;
  const entries = await search(client, settings, settings.userdn, { scope: "sub", filter, sizeLimit: 2, attributes: [settings.userattr] });
  const [entry, second] = entries;
  if (!entry) await bindInVain(client, settings, username, password);
  if (!entry || second) throw wrongCredentials(BIND_FAILED);
  const [alias, more] = valuesOf(entry, settings.userattr);
  if (!settings.username_as_alias && (alias === undefined || more !== undefined)) throw invalid(`LDAP entity alias attribute ${settings.userattr} empty or not unique for entity alias mapping`);
  return { bindName: entry.dn, alias: alias ?? username };
}

/** Who is not there is asked about as often as who has another password: the time that takes does not tell them apart. */
async function bindInVain(client: Client, settings: LdapSettings, username: string, password: string): Promise<void> {
  await client.bind(`${settings.userattr}=${escapeDnValue(username)},${settings.userdn}`, password).catch(() => undefined);
}

/** Active Directory's older name of an account, where that is to do as well. */
function orAccountName({ enable_samaccountname_login: isEnabled }: LdapSettings, filter: string, username: string): string {
  return isEnabled ? `(|${filter}${fillTemplate("(sAMAccountName={{.Name}})", { Name: username })})` : filter;
}

async function dnOfPrincipal(client: Client, settings: LdapSettings, username: string): Promise<string> {
  const filter = orAccountName(settings, fillTemplate("(userPrincipalName={{.Name}})", { Name: `${username}@${settings.upndomain}` }), username);
  const entries = await search(client, settings, settings.userdn, { scope: "sub", filter, attributes: ["1.1"] });
  return entries.at(-1)?.dn ?? "";
}

async function groupsOf(connection: LdapConnection, settings: LdapSettings, userDn: string, username: string): Promise<string[]> {
  const anonymous = settings.anonymous_group_search ? await openConnection(settings) : undefined;
  try {
    const { client } = anonymous ?? connection;
    const entries = settings.use_token_groups ? await tokenGroups(client, settings, userDn) : await searchedGroups(client, settings, userDn, username);
    const names = entries.flatMap((entry) => {
      const values = valuesOf(entry, settings.groupattr);
      return values.length > 0 ? values : [entry.dn];
    });
    return [...new Set(names.map((name) => commonNameOf(name, settings.use_pre111_group_cn_behavior)))];
  } finally {
    anonymous?.close();
  }
}

async function searchedGroups(client: Client, settings: LdapSettings, userDn: string, username: string): Promise<Entry[]> {
  if (settings.groupfilter === "" || settings.groupdn === "") return [];
  const filter = fillTemplate(settings.groupfilter, { UserDN: userDn, Username: username });
  return search(client, settings, settings.groupdn, { scope: "sub", filter, attributes: settings.groupattr === "" ? ["1.1"] : [settings.groupattr], ...(settings.max_page_size > 0 && { paged: { pageSize: settings.max_page_size } }) });
}

/** Active Directory computes these, groups of groups too. A group that cannot be read is left out. */
async function tokenGroups(client: Client, settings: LdapSettings, userDn: string): Promise<Entry[]> {
  const [user] = await search(client, settings, userDn, { scope: "base", filter: "(objectClass=*)", attributes: ["tokenGroups"], explicitBufferAttributes: ["tokenGroups"] });
  const values = [user?.["tokenGroups"] ?? []].flat();
  const groups: Entry[] = [];
  for (const value of values) {
    const sid = Buffer.isBuffer(value) ? sidText(value) : undefined;
    if (sid === undefined) continue;
    groups.push(...(await search(client, settings, `<SID=${sid}>`, { scope: "base", filter: "(objectClass=*)", attributes: ["1.1"] }).catch(() => [])));
  }
  return groups;
}

/** Names of attributes have no case, and servers write them as they like. */
function valuesOf(entry: Entry, attribute: string): string[] {
  const name = Object.keys(entry).find((one) => one !== "dn" && one.toLowerCase() === attribute.toLowerCase());
  return name === undefined ? [] : [entry[name]!].flat().map((value) => value.toString()).filter((value) => value !== "");
}
