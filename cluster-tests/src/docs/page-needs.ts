import { motoProgram, postgresProgram, slapdProgram, sshdProgram } from "@coffer/counterparts";
import { startAccount, startApplicationDatabase, startCiSystem, startCluster, startDirectory, startOrganization, startSshHost } from "./page-counterparts.js";
import type { Counterpart } from "./page-counterparts.js";
import type { ServerKind } from "./page-server.js";

export interface PageNeeds {
  /** On the PATH; where one is missing, the page is skipped and says so. */
  readonly programs?: readonly string[];
  /** A server that the page's commands talk to besides Coffer; `start` gets the page's text. */
  readonly counterpart?: { readonly isThere: () => boolean; readonly name: string; start(page: string): Promise<Counterpart> };
  /** Headings whose blocks without a prompt are commands to run, besides "Quick start". */
  readonly scripts?: readonly string[];
  /** Headings whose blocks show commands that are not run, and why. */
  readonly leftAlone?: Readonly<Record<string, string>>;
  /** `dev` where it says nothing. */
  readonly server?: ServerKind;
  /** What a person reads off elsewhere, such as an authenticator's code: as the page shows it, and how a shell finds it. */
  readonly values?: Readonly<Record<string, string>>;
}

const always = () => true;
const moto = { name: "moto", isThere: () => motoProgram() !== undefined, start: () => startAccount() };

/** Pages of docs/ whose commands need more than a dev server. A page that is not here needs nothing. */
export const PAGE_NEEDS: Readonly<Record<string, PageNeeds>> = {
  "auth/aws.md": { counterpart: moto, leftAlone: { "Instances by their identity document": "an instance of EC2 runs them; the tests of the method have documents signed by an authority of their own" } },
  "auth/cert.md": { programs: ["openssl"], server: "dev-tls" },
  "auth/github.md": { counterpart: { name: "GitHub", isThere: always, start: startOrganization } },
  "auth/jwt.md": {
    counterpart: { name: "an issuer", isThere: always, start: startCiSystem },
    scripts: ["A CI's jobs"],
    leftAlone: {
      "People, by browser": "somebody has to log in at a provider; cluster-tests/src/oidc-login.test.ts does it",
      "Where no browser can come back": "as above; the tests of the method do it with a provider of their own",
    },
  },
  "auth/kubernetes.md": { counterpart: { name: "Kubernetes", isThere: always, start: startCluster } },
  "auth/ldap.md": { counterpart: { name: "slapd", isThere: () => slapdProgram() !== undefined, start: startDirectory } },
  "engines/aws.md": { counterpart: moto, scripts: ["Static roles"] },
  "engines/database.md": { programs: ["psql"], counterpart: { name: "PostgreSQL", isThere: () => postgresProgram() !== undefined, start: startApplicationDatabase } },
  "engines/pki.md": { programs: ["openssl", "jq", "curl"] },
  "engines/ssh.md": { programs: ["curl", "ssh-keygen"], counterpart: { name: "sshd", isThere: () => sshdProgram() !== undefined, start: startSshHost }, scripts: ["In use", "One-time passwords"] },
  "engines/totp.md": {
    programs: ["base64"],
    // Taken once: the page tries the same code again.
    values: { "447147": '"${CODE:=$(coffer write totp/keys/phone url="otpauth://totp/phone?secret=7ILPA2KX4TQHZ5NDVGWM3YBRUEOC6SFJ" >/dev/null && coffer read -field=code totp/code/phone)}"' },
  },
  "engines/transit.md": { programs: ["openssl", "base64", "curl", "xxd"] },
  "identity.md": { programs: ["curl", "jq"] },
  "operations.md": {
    programs: ["curl"],
    server: "cluster",
    values: { "ca.crt": "$VAULT_CACERT", "/var/log/coffer/": "$PWD/" },
    leftAlone: {
      "Start, initialise, unseal": "it is how the page's own cluster came to be; guide.test.ts types it",
      "Before a start": "it looks at another machine's configuration; packages/node/src/diagnose has its tests",
      "Add a node": "another machine's command",
      "Recovery mode": "it ends the cluster that it is used on; recovery.test.ts does it",
      "A damaged disk": "it empties the disk of a machine",
    },
  },
  "seals.md": { leftAlone: { "Breaking the glass": "several holders type shares in turn; the tests of break-glass do it" } },
};
