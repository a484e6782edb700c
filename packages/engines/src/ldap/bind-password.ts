import { Attribute, Change, ResultCodeError } from "ldapts";
import { invalid } from "@coffer/state-machine";
import { openConnection } from "./connection.js";
import type { LdapSettings } from "./config.js";

/** The servers at which the account's password is changed. */
const writable = (settings: LdapSettings): LdapSettings => ({ ...settings, url: settings.rotation_url || settings.url });

/** Whether the account gets in with this password. Throws RequestError 400 where no server says so or not. */
export async function isTaken(settings: LdapSettings, password: string): Promise<boolean> {
  const { client, close } = await openConnection(writable(settings));
  try {
    await client.bind(settings.binddn, password);
    return true;
  } catch (error) {
    if (error instanceof ResultCodeError) return false;
    throw invalid(`ldap operation failed: ${error instanceof Error ? error.message : "unknown error"}`);
  } finally {
    close();
  }
}

/** The account replaces its own `userPassword`, as in Vault; the server may hash what it is given. Throws RequestError 400. */
export async function changePassword(settings: LdapSettings, current: string, next: string): Promise<void> {
  const { client, close } = await openConnection(writable(settings));
  try {
    await client.bind(settings.binddn, current);
    await client.modify(settings.binddn, new Change({ operation: "replace", modification: new Attribute({ type: "userPassword", values: [next] }) }));
  } catch (error) {
    // The name of the result code alone: what a server says beside it may be anything.
    throw invalid(`unable to change the password of the binddn: ${error instanceof ResultCodeError ? `LDAP Result Code ${error.code} ${error.name.replace(/Error$/, "")}` : error instanceof Error ? error.message : "unknown error"}`);
  } finally {
    close();
  }
}
