import { BlockList, isIP } from "node:net";

const BITS = { ipv4: 32, ipv6: 128 } as const;

interface Network {
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
  readonly bits: number;
}

function parse(text: string): Network | undefined {
  const [address = "", bits, ...rest] = text.trim().split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined;
  const family = version === 6 ? "ipv6" : "ipv4";
  const length = bits === undefined ? BITS[family] : Number(bits);
  return length > BITS[family] ? undefined : { address, family, bits: length };
}

/** A network as it is shown: `10.0.0.0/8`, or the bare address where it holds one. Undefined for what is none. */
export function normalizedCidr(text: string): string | undefined {
  const network = parse(text);
  return network && (network.bits === BITS[network.family] ? network.address : `${network.address}/${network.bits}`);
}

const lists = new WeakMap<readonly string[], BlockList>();

/** Whether an address lies in one of the networks. No network at all bounds nothing; what is no address lies in none. */
export function isWithin(cidrs: readonly string[], address: string): boolean {
  if (cidrs.length === 0) return true;
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

/** Whether a whole network lies in one of the others. What is no network lies in none. */
export function isSubset(cidr: string, cidrs: readonly string[]): boolean {
  const inner = parse(cidr);
  if (!inner) return false;
  return cidrs.some((one) => {
    const outer = parse(one);
    return outer !== undefined && outer.family === inner.family && outer.bits <= inner.bits && isWithin([one], inner.address);
  });
}
