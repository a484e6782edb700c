import { BlockList, isIP } from "node:net";

/** Networks of a comma-separated list; undefined where one is none. */
export function parseCidrList(text: string): BlockList | undefined {
  const list = new BlockList();
  for (const item of text.split(",").map((one) => one.trim()).filter((one) => one !== "")) {
    const [, address, length] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(item) ?? [];
    const family = isIP(address ?? "");
    if (address === undefined || family === 0 || Number(length) > (family === 4 ? 32 : 128)) return undefined;
    list.addSubnet(address, Number(length), family === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

/** Of an address that is one. */
export function listContains(text: string, ip: string): boolean {
  return text !== "" && (parseCidrList(text)?.check(ip, isIP(ip) === 6 ? "ipv6" : "ipv4") ?? false);
}
