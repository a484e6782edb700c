import type { Store } from "@coffer/state-machine";

/** What the counting of failed logins writes, as it is meant to. */
const FAILURES = /^core\/(lockout|expire\/\d+\/lockout)\//;

/** All that is stored, sealed, but for failed logins: what a refused login leaves as it was. */
export async function storedBesideFailures(store: Store): Promise<Readonly<Record<string, string>>> {
  const { value } = await store.evaluate(async (tx) => (await tx.keys("")).map((key) => [key, Buffer.from(tx.getRaw(key)!).toString("base64")] as const));
  return Object.fromEntries(value.filter(([key]) => !FAILURES.test(key)));
}
