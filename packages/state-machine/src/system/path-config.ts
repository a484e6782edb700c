import { auditedHeaders, setAuditedHeader } from "../audit/index.js";
import { invalid } from "../errors.js";
import { NO_CONTENT, data, field, jsonCodec } from "../framework/index.js";
import type { ReadStorage } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

export interface CorsConfig {
  readonly enabled: boolean;
  readonly allowed_origins: readonly string[];
  readonly allowed_headers: readonly string[];
}

const CORS_KEY = "config/cors";
const CORS_CODEC = jsonCodec<CorsConfig>();
const CORS_OFF: CorsConfig = { enabled: false, allowed_origins: [], allowed_headers: [] };
const STANDARD_HEADERS = [
  "Content-Type", "Authorization", "X-Vault-Token", "X-Vault-MFA", "X-Vault-Namespace", "X-Vault-No-Request-Forwarding", "X-Vault-Wrap-Format", "X-Vault-Wrap-TTL",
  "X-Requested-With", "X-Vault-AWS-IAM-Server-ID", "X-Vault-Policy-Override",
];

/** For the node's HTTP side. `storage` is the view of `core/`; the headers include those always allowed. */
export function corsConfig(storage: ReadStorage): CorsConfig {
  return storage.get(CORS_KEY, CORS_CODEC) ?? CORS_OFF;
}

/** A header's name per RFC 9110, so that it is also safe in a storage key. */
const HEADER_NAME = /^[A-Za-z0-9!#$&'*+.^_`|~-]{1,128}$/;
/** What RFC 9110 lets a header's value hold: no control characters, and no more than a byte a character. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const corsPath = systemPath({
  template: "config/cors",
  help: { synopsis: "Configures which web pages of other origins may call the API.", description: "No origin may, until it is allowed here." },
  fields: {
    enable: field.bool({ description: "Kept for compatibility; writing enables." }),
    allowed_origins: field.commaList({ description: "Origins, or `*` for all.", default: [] }),
    allowed_headers: field.commaList({ description: "Request headers beyond the usual ones.", default: [] }),
  },
  operations: {
    read: {
      summary: "Shows the settings.", effect: "read", access: "sudo",
      handler: (_request, storage) => {
        const config = corsConfig(storage);
        return data(config.enabled ? { ...config } : { enabled: false }, { dual: true });
      },
    },
    update: {
      summary: "Allows origins.", effect: "write", access: "sudo",
      handler: ({ input }, storage) => {
        const origins = input.allowed_origins.filter((origin) => origin !== "");
        if (origins.length === 0) throw invalid("at least one origin or the wildcard must be provided");
        if (origins.length > 1 && origins.includes("*")) throw invalid("to allow all origins the '*' must be the only value for allowed_origins");
        const headers = input.allowed_headers.filter((header) => header !== "");
        for (const header of headers) if (!HEADER_NAME.test(header)) throw invalid(`invalid header name ${JSON.stringify(header)} in allowed_headers`);
        storage.put(CORS_KEY, CORS_CODEC, { enabled: true, allowed_origins: origins, allowed_headers: [...STANDARD_HEADERS, ...headers] });
        return NO_CONTENT;
      },
    },
    delete: {
      summary: "Allows no origin.", effect: "write", access: "sudo",
      handler: (_request, storage) => {
        storage.delete(CORS_KEY);
        return NO_CONTENT;
      },
    },
  },
});

const HEADER = field.string({ description: "Name of the header.", required: true });

function headerName(name: string): string {
  if (!HEADER_NAME.test(name)) throw invalid("invalid header name");
  return name.toLowerCase();
}

interface UiHeader { readonly name: string; readonly values: readonly string[] }
const UI_PREFIX = "config/ui/headers/";
const UI_CODEC = jsonCodec<UiHeader>();

/** Headers for the web UI's answers. `storage` is the view of `core/`. */
export async function uiHeaders(storage: ReadStorage): Promise<readonly UiHeader[]> {
  const names = await storage.list(UI_PREFIX);
  return names.map((name) => storage.get(UI_PREFIX + name, UI_CODEC)).filter((header) => header !== undefined);
}

const uiHeaderPaths: readonly SystemPath[] = [
  systemPath({
    template: "config/ui/headers",
    help: { synopsis: "Lists the headers of the web UI.", description: "Names of the response headers set for it." },
    fields: {},
    operations: {
      list: {
        summary: "Lists the headers of the web UI.", effect: "read", access: "sudo",
        handler: async (_request, storage) => {
          const headers = await uiHeaders(storage);
          return headers.length === 0 ? undefined : data({ keys: headers.map((header) => header.name) });
        },
      },
    },
  }),
  systemPath({
    template: "config/ui/headers/{header}",
    help: { synopsis: "Sets a response header of the web UI.", description: "Takes effect at once." },
    fields: {
      header: HEADER,
      values: field.stringList({ description: "The header's values.", default: [] }),
      multivalue: field.bool({ description: "Answers with all values as a list.", query: true, default: false }),
    },
    operations: {
      read: {
        summary: "Shows one header.", effect: "read", access: "sudo",
        handler: ({ input }, storage) => {
          const header = storage.get(UI_PREFIX + headerName(input.header), UI_CODEC);
          return header && data(input.multivalue ? { values: header.values } : { value: header.values[0] ?? "" });
        },
      },
      update: {
        summary: "Sets one header.", effect: "write", access: "sudo",
        handler: ({ input }, storage) => {
          const name = headerName(input.header);
          if (name.startsWith("x-vault-")) throw invalid("X-Vault headers cannot be set");
          if (input.values.length === 0) throw invalid("header and values must be specified");
          if (!input.values.every((value) => HEADER_VALUE.test(value))) throw invalid("header values must not hold control characters, nor any beyond Latin-1");
          storage.put(UI_PREFIX + name, UI_CODEC, { name: input.header, values: input.values });
          return NO_CONTENT;
        },
      },
      delete: {
        summary: "Removes one header.", effect: "write", access: "sudo",
        handler: ({ input }, storage) => {
          storage.delete(UI_PREFIX + headerName(input.header));
          return NO_CONTENT;
        },
      },
    },
  }),
];

const auditedHeaderPaths: readonly SystemPath[] = [
  systemPath({
    template: "config/auditing/request-headers",
    help: { synopsis: "Lists the request headers that are audited.", description: "And whether each is hashed." },
    fields: {},
    operations: { read: { summary: "Lists the audited headers.", effect: "read", access: "sudo", handler: (_request, storage) => data({ headers: auditedHeaders(storage) }, { dual: true }) } },
  }),
  systemPath({
    template: "config/auditing/request-headers/{header}",
    help: { synopsis: "Adds a request header to audit records.", description: "In clear, or hashed." },
    fields: { header: HEADER, hmac: field.bool({ description: "Hashes the header's value.", default: false }) },
    operations: {
      read: {
        summary: "Shows how one header is audited.", effect: "read", access: "sudo",
        handler: ({ input }, storage) => {
          const settings = auditedHeaders(storage)[headerName(input.header)];
          if (!settings) throw invalid("Could not find header in config");
          return data({ [input.header]: settings }, { dual: true });
        },
      },
      update: {
        summary: "Audits one header.", effect: "write", access: "sudo",
        handler: ({ input }, storage) => {
          setAuditedHeader(storage, headerName(input.header), { hmac: input.hmac });
          return NO_CONTENT;
        },
      },
      delete: {
        summary: "Stops auditing one header.", effect: "write", access: "sudo",
        handler: ({ input }, storage) => {
          setAuditedHeader(storage, headerName(input.header), undefined);
          return NO_CONTENT;
        },
      },
    },
  }),
];

export const configPaths: readonly SystemPath[] = [corsPath, ...uiHeaderPaths, ...auditedHeaderPaths];
