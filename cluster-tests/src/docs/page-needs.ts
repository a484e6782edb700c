import { slapdProgram, startSlapd } from "@coffer/counterparts";
import { LDIF, SUFFIX } from "./directory.js";
import type { ServerKind } from "./page-server.js";

/** A server that a page's commands talk to besides Coffer. */
export interface Counterpart {
  /** What the page calls it, and what it is called here. */
  readonly names: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface PageNeeds {
  /** Somebody else's system, which no program here can stand for as the page shows it: the page is skipped, and says so. */
  readonly elsewhere?: string;
  /** On the PATH; where one is missing, the page is skipped and says so. */
  readonly programs?: readonly string[];
  readonly counterpart?: { readonly isThere: () => boolean; readonly name: string; start(): Promise<Counterpart> };
  /** `dev` where it says nothing. */
  readonly server?: ServerKind;
  /** What a person reads off elsewhere, such as an authenticator's code: as the page shows it, and how a shell finds it. */
  readonly values?: Readonly<Record<string, string>>;
}

/** Pages of docs/ whose commands need more than a dev server. A page that is not here needs nothing. */
export const PAGE_NEEDS: Readonly<Record<string, PageNeeds>> = {
  "auth/aws.md": { elsewhere: "an account of AWS" },
  "auth/github.md": { elsewhere: "an organization at GitHub" },
  "auth/kubernetes.md": { elsewhere: "a Kubernetes cluster" },
  "engines/aws.md": { elsewhere: "an account of AWS" },
  "engines/database.md": { elsewhere: "a PostgreSQL with the user that the page makes" },
  "auth/cert.md": { programs: ["openssl"], server: "dev-tls" },
  "auth/ldap.md": {
    counterpart: {
      name: "slapd",
      isThere: () => slapdProgram() !== undefined,
      async start() {
        const slapd = await startSlapd({ suffix: SUFFIX, ldif: LDIF });
        return { names: { "ldap://127.0.0.1:389": slapd.url }, stop: () => slapd.stop() };
      },
    },
  },
  "engines/pki.md": { programs: ["openssl", "jq", "curl"] },
  "engines/ssh.md": { programs: ["ssh-keygen"] },
  "engines/totp.md": {
    programs: ["base64"],
    // Taken once: the page tries the same code again.
    values: { "447147": '"${CODE:=$(coffer write totp/keys/phone url="otpauth://totp/phone?secret=7ILPA2KX4TQHZ5NDVGWM3YBRUEOC6SFJ" >/dev/null && coffer read -field=code totp/code/phone)}"' },
  },
  "engines/transit.md": { programs: ["openssl", "base64", "curl", "xxd"] },
  "identity.md": { programs: ["curl", "jq"] },
  "operations.md": { programs: ["curl"], server: "cluster", values: { "ca.crt": "$VAULT_CACERT", "/var/log/coffer/": "$PWD/" } },
};
