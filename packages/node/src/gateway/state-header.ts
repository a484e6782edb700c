import { createHmac } from "node:crypto";

/**
 * X-Vault-Index: which state an answer reflects, so that a later request can ask for at least that. Base64 of
 * `v1:<cluster id>:<log index>:0:<hmac>`, the form Vault's Go client parses and merges.
 */
export interface StateHeader {
  format(index: number): string;
  /** The highest log index that the header's states name for this cluster; 0 for none. Malformed or foreign ones count for nothing. */
  required(header: string | undefined): number;
}

export function createStateHeader(clusterId: () => string, key: () => Uint8Array): StateHeader {
  let last = { index: -1, text: "" };
  const sign = (body: string) => createHmac("sha256", key()).update(body).digest("hex");
  return {
    format(index) {
      // Reads between two writes all carry the same one.
      if (last.index !== index) {
        const body = `v1:${clusterId()}:${index}:0`;
        last = { index, text: Buffer.from(`${body}:${sign(body)}`).toString("base64") };
      }
      return last.text;
    },
    required(header) {
      if (header === undefined || header === "") return 0;
      let highest = 0;
      for (const one of header.split(",")) {
        const [version, cluster, index] = Buffer.from(one.trim(), "base64").toString("latin1").split(":");
        if (version === "v1" && cluster === clusterId() && index !== undefined && /^\d{1,15}$/.test(index)) highest = Math.max(highest, Number(index));
      }
      return highest;
    },
  };
}
