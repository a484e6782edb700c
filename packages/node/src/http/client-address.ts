import { BlockList, isIP } from "node:net";
import { invalid } from "@coffer/state-machine";

/** Proxies whose X-Forwarded-For is believed. */
export interface TrustedProxies {
  /** The client's address as far as it can be known; `forwarded` is the X-Forwarded-For header. Throws RequestError 400. */
  clientAddress(peer: string, forwarded: string | undefined): string;
}

const family = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4");

/** An IPv4 client of a listener on `::` shows up as `::ffff:192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

/** Entries are addresses or CIDRs. Throws Error for one that is neither: the configuration is wrong then. */
export function trustedProxies(entries: readonly string[]): TrustedProxies {
  if (entries.length === 0) return { clientAddress: plainAddress };
  const trusted = new BlockList();
  for (const entry of entries) {
    const [address = "", prefix, ...rest] = entry.split("/");
    const bits = prefix === undefined ? (isIP(address) === 6 ? 128 : 32) : Number(prefix);
    if (isIP(address) === 0 || rest.length > 0 || prefix === "" || !Number.isInteger(bits) || bits < 0 || bits > (isIP(address) === 6 ? 128 : 32)) {
      throw new Error(`${JSON.stringify(entry)} is neither an address nor a CIDR`);
    }
    trusted.addSubnet(address, bits, family(address));
  }
  const isTrusted = (address: string) => trusted.check(address, family(address));
  return {
    clientAddress(peer, forwarded) {
      let address = plainAddress(peer);
      if (forwarded === undefined || !isTrusted(address)) return address;
      // Each proxy appends whom it heard: read from the right, as long as the teller is trusted.
      for (const hop of forwarded.split(",").reverse()) {
        address = plainAddress(withoutPort(hop.trim()));
        if (isIP(address) === 0) throw invalid("X-Forwarded-For holds something that is not an address");
        if (!isTrusted(address)) break;
      }
      return address;
    },
  };
}

function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}
