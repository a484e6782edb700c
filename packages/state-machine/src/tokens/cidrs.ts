import { BlockList, isIP } from "node:net";

const BITS: Readonly<Record<number, number>> = { 4: 32, 6: 128 };

interface Network {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

function parse(text: string): Network | undefined {
  const [, address = "", suffix] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  const most = BITS[version];
  if (most === undefined) return undefined;
  const bits = suffix === undefined ? most : Number(suffix);
  return bits <= most ? { address, bits, family: version === 6 ? "ipv6" : "ipv4" } : undefined;
}

/** An address or a network in CIDR notation. */
export function isCidr(text: string): boolean {
  return parse(text) !== undefined;
}

const lists = new WeakMap<readonly string[], BlockList>();

/** Whether a client's address is in any of the networks. What is not understood admits nobody. */
export function isInCidrs(address: string, cidrs: readonly string[]): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  let list = lists.get(cidrs);
  if (!list) {
    list = new BlockList();
    for (const network of cidrs.map(parse)) if (network) list.addSubnet(network.address, network.bits, network.family);
    lists.set(cidrs, list);
  }
  return list.check(address, version === 6 ? "ipv6" : "ipv4");
}
