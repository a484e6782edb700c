import { isIPv6 } from "node:net";
import { RequestError } from "@coffer/state-machine";
import type { Environment, Mount } from "@coffer/state-machine";

/** Logins by browser that have begun and not ended. Anybody may begin one, so there is a bound to how many there can be. */
const MOST_OF_AN_ADDRESS = 100;
const MOST_OF_A_MOUNT = 10_000;

interface Pending {
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * By mount, by state. Only the active node begins logins, so what it remembers is what counts; a new active node begins to count
 * anew, and what the old one had begun is over within minutes.
 */
const pending = new WeakMap<Environment, Map<string, Map<string, Pending>>>();

function ofMount({ env, entry }: Mount): Map<string, Pending> {
  let mounts = pending.get(env);
  if (!mounts) pending.set(env, (mounts = new Map()));
  let states = mounts.get(entry.uuid);
  if (!states) mounts.set(entry.uuid, (states = new Map()));
  return states;
}

/** One household, or one host: an IPv6 address is one of 2^64 that belong to the same. */
function household(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const zeros = tail === undefined ? 0 : 8 - left.length - (tail === "" ? 0 : tail.split(":").length);
  return [...left, ...Array<string>(Math.max(zeros, 0)).fill("0"), ...(tail ? tail.split(":") : [])].slice(0, 4).join(":");
}

/** Counts a login that begins. Throws RequestError 429 where there are too many. */
export function admit(mount: Mount, remoteAddress: string, state: string, expiresAt: number): void {
  const states = ofMount(mount);
  const now = mount.env.now();
  // The oldest come first, and all last equally long.
  for (const [one, { expiresAt: end }] of states) {
    if (end > now) break;
    states.delete(one);
  }
  const address = household(remoteAddress);
  let own = 0;
  for (const one of states.values()) if (one.address === address) own++;
  if (own >= MOST_OF_AN_ADDRESS || states.size >= MOST_OF_A_MOUNT) throw new RequestError("rate_limited", "too many logins have begun and not ended; try again in a few minutes");
  states.set(state, { address, expiresAt });
}

/** A login has ended, well or not. */
export function release(mount: Mount, state: string): void {
  ofMount(mount).delete(state);
}
