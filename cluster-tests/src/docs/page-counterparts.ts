import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { startGitHub, startIssuer, startKubernetes, startMoto, startPostgres, startSlapd, startSshd, xmlTexts } from "@coffer/counterparts";
import { createApiCertificates } from "@coffer/node";
import { LDIF, SUFFIX } from "./directory.js";

/** A server that a page's commands talk to besides Coffer. */
export interface Counterpart {
  /** What the page writes, and what stands for it here: addresses, and settings that point there. */
  readonly names: Readonly<Record<string, string>>;
  /** What the reader's shell has in its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What Coffer's server has in its own. */
  readonly serverEnv?: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startDirectory(): Promise<Counterpart> {
  const slapd = await startSlapd({ suffix: SUFFIX, ldif: LDIF });
  return { names: { "ldap://127.0.0.1:389": slapd.url }, stop: () => slapd.stop() };
}

const SERVER_ID = "iam_server_id_header_value=vault.example.com";

/**
 * An account of AWS, in which the reader is an application that runs as AppServerRole. AWS's SDK finds the emulator by its
 * environment; a login's request goes where `sts_endpoint` says.
 */
export async function startAccount({ accountId = "123456789012" }: { readonly accountId?: string } = {}): Promise<Counterpart> {
  const moto = await startMoto({ MOTO_ACCOUNT_ID: accountId });
  await moto.ask("iam", "CreateUser", { UserName: "legacy-app" });
  await moto.ask("iam", "CreateRole", { RoleName: "AppServerRole", AssumeRolePolicyDocument: "{}" });
  const assumed = await moto.ask("sts", "AssumeRole", { RoleArn: `arn:aws:iam::${accountId}:role/AppServerRole`, RoleSessionName: "app" });
  const read = (name: string) => xmlTexts(assumed, name)[0]!;
  const aws = { AWS_ENDPOINT_URL: moto.endpoint, AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" };
  return {
    names: { [SERVER_ID]: `${SERVER_ID} sts_endpoint=${moto.endpoint}` },
    env: { ...aws, AWS_ACCESS_KEY_ID: read("AccessKeyId"), AWS_SECRET_ACCESS_KEY: read("SecretAccessKey"), AWS_SESSION_TOKEN: read("SessionToken") },
    serverEnv: aws,
    stop: () => moto.stop(),
  };
}

const ORGANIZATION = 'organization="mycompany"';

/** A GitHub Enterprise server with the page's organization, in which the reader is an engineer. */
export async function startOrganization(): Promise<Counterpart> {
  const github = await startGitHub({ organization: "mycompany", members: [{ login: "ann", token: "ghp_page", teams: ["Engineering"] }] });
  return { names: { [ORGANIZATION]: `${ORGANIZATION} base_url="${github.url}"` }, env: { GITHUB_TOKEN: "ghp_page" }, stop: () => github.stop() };
}

/** A cluster, and the folder that a pod of it would find its token and the cluster's authority in. */
export async function startCluster(): Promise<Counterpart> {
  const { ca, certificate, key } = await createApiCertificates(["127.0.0.1"]);
  const kubernetes = await startKubernetes({ certificate, key });
  const pod = mkdtempSync(join(tmpdir(), "coffer-pod-"));
  writeFileSync(join(pod, "ca.crt"), ca);
  writeFileSync(join(pod, "token"), kubernetes.tokenOf("production", "app-sa"));
  return {
    names: { "https://$KUBERNETES_PORT_443_TCP_ADDR:443": kubernetes.url, "/var/run/secrets/kubernetes.io/serviceaccount": pod },
    async stop() {
      await kubernetes.stop();
      rmSync(pod, { recursive: true });
    },
  };
}

/** A PostgreSQL in which the page's own SQL has been run, with its administrator's login in the reader's environment. */
export async function startApplicationDatabase(page: string): Promise<Counterpart> {
  const postgres = await startPostgres();
  for (const [, sql] of page.matchAll(/^```sql\n([^]*?)^```$/gm)) await postgres.query(sql!);
  return {
    names: { "127.0.0.1:5432": `127.0.0.1:${postgres.port}` },
    env: { PGHOST: "127.0.0.1", PGPORT: String(postgres.port), PGUSER: postgres.superuser, PGPASSWORD: postgres.password, PGDATABASE: "postgres" },
    stop: () => postgres.stop(),
  };
}

/** What GitHub's CI would be to its jobs, and the token of one of them. */
export async function startCiSystem(): Promise<Counterpart> {
  const issuer = await startIssuer();
  const folder = mkdtempSync(join(tmpdir(), "coffer-ci-"));
  const job = { sub: "repo:mycompany/shop:ref:refs/heads/main", aud: "https://github.com/mycompany", repository: "mycompany/shop", ref: "refs/heads/main" };
  writeFileSync(join(folder, "ci.jwt"), issuer.token(job));
  return {
    names: { "https://token.actions.githubusercontent.com": issuer.url, "@ci.jwt": `@${join(folder, "ci.jwt")}` },
    async stop() {
      await issuer.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A host that lets nobody in but by a certificate. Its user is ours, for want of an `ubuntu`. */
export async function startSshHost(): Promise<Counterpart> {
  const sshd = await startSshd();
  const folder = mkdtempSync(join(tmpdir(), "coffer-ssh-"));
  const me = userInfo().username;
  const key = "-public-key-path=id_ed25519.pub -private-key-path=id_ed25519";
  const hosts = `-strict-host-key-checking=accept-new -user-known-hosts-file=${join(folder, "known_hosts")}`;
  return {
    names: {
      "allowed_users=ubuntu,admin": `allowed_users=ubuntu,${me}`,
      "/etc/ssh/trusted-user-ca.pub": sshd.userCaFile,
      "/etc/ssh/sshd_config": join(folder, "sshd_config"),
      "-role=admins ubuntu@host": `-role=admins ${key} ${hosts} ${me}@127.0.0.1 -p ${sshd.port} -F none -o BatchMode=yes true`,
      // The host's helper gets what the user types.
      "otp=f5d8e37b-…": "otp=$(coffer write -field=key ssh/creds/hosts ip=10.1.2.3)",
    },
    async stop() {
      await sshd.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
