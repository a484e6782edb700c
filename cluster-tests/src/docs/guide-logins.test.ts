/** The guide's commands about auth methods, as it has them, with what they talk to: AWS, a cluster of Kubernetes, GitHub, its CI. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { motoProgram } from "@coffer/counterparts";
import { createDesk, startDevServer } from "./dev-server.js";
import type { Desk, DevServer } from "./dev-server.js";
import { startAccount, startCiSystem, startCluster, startOrganization } from "./page-counterparts.js";
import type { Counterpart } from "./page-counterparts.js";
import { openShell } from "./shell.js";
import type { Shell } from "./shell.js";

const COMMAND_MS = 60_000;
const SUCCESS = "Success! Data written to: ";

interface Reading {
  sh(lines: string): Promise<string>;
  refused(lines: string): Promise<string>;
}

/** A server and a reader's shell beside a counterpart, whose names stand for what the guide has of the world outside. */
function guide(title: string, skip: string | false, start: () => Promise<Counterpart>, read: (reading: Reading) => void): void {
  describe(title, { skip }, () => {
    let counterpart: Counterpart;
    let server: DevServer;
    let desk: Desk;
    let shell: Shell;
    before(async () => {
      counterpart = await start();
      server = await startDevServer({ env: counterpart.serverEnv ?? {} });
      desk = createDesk({ ...server.env, ...counterpart.env });
      shell = openShell(desk.folder, desk.env, COMMAND_MS);
    });
    after(async () => {
      shell?.end();
      desk?.clear();
      await server?.stop();
      await counterpart?.stop();
    });
    async function run(lines: string, expected: number): Promise<string> {
      const here = Object.entries(counterpart.names).reduce((text, [shown, name]) => text.replaceAll(shown, name), lines);
      const { code, output } = await shell.run(here);
      assert.equal(code, expected, `${here}\n${output}`);
      return output;
    }
    read({ sh: (lines) => run(lines, 0), refused: (lines) => run(lines, 2) });
  });
}

const enabled = (method: string, path = method) => `Success! Enabled ${method} auth method at: ${path}/\n`;

guide("AWS IAM", motoProgram() === undefined && "moto is not installed", () => startAccount({ accountId: "123456789" }), ({ sh, refused }) => {
  it("enable, configure, a role", async () => {
    assert.equal(await sh("vault auth enable aws"), enabled("aws"));
    assert.match(await sh(`vault write auth/aws/config/client \\
access_key="$AWS_ACCESS_KEY_ID" \\
secret_key="$AWS_SECRET_ACCESS_KEY" \\
region="us-east-1" \\
iam_server_id_header_value="vault.internal.company.com"`), new RegExp(`${SUCCESS}auth/aws/config/client\n$`));
    assert.equal(await sh(`vault write auth/aws/role/app-server-role \\
auth_type="iam" \\
bound_iam_principal_arn="arn:aws:iam::123456789:role/AppServerRole" \\
policies="app-server-policy" \\
ttl="1h" \\
max_ttl="24h"`), `${SUCCESS}auth/aws/role/app-server-role\n`);
    assert.match(await sh("vault read auth/aws/role/app-server-role"), /^bound_iam_principal_id +\[AROA\w+\]$[^]*^max_ttl +24h$[^]*^policies +\[app-server-policy\]$[^]*^ttl +1h$/m);
  });

  it("who runs as that role logs in, for this server only", async () => {
    const login = "vault login -no-store -method=aws role=app-server-role";
    await sh(`vault write auth/aws/config/client access_key="$AWS_ACCESS_KEY_ID" secret_key="$AWS_SECRET_ACCESS_KEY" sts_endpoint="$AWS_ENDPOINT_URL"`);
    assert.match(await sh(`${login} header_value=vault.internal.company.com`), /^token_duration +1h$[^]*^token_policies +\["app-server-policy" "default"\]$/m);
    assert.match(await refused(`${login} header_value=another.example`), /X-Vault-AWS-IAM-Server-ID header: it names another server/);
  });
});

guide("Kubernetes", false, startCluster, ({ sh, refused }) => {
  it("enable, configure, a role", async () => {
    assert.equal(await sh("vault auth enable kubernetes"), enabled("kubernetes"));
    assert.equal(await sh(`vault write auth/kubernetes/config \\
kubernetes_host="https://$KUBERNETES_PORT_443_TCP_ADDR:443" \\
kubernetes_ca_cert="@/var/run/secrets/kubernetes.io/serviceaccount/ca.crt" \\
token_reviewer_jwt="$(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" \\
issuer="https://kubernetes.default.svc.cluster.local"`), `${SUCCESS}auth/kubernetes/config\n`);
    assert.equal(await sh(`vault write auth/kubernetes/role/app-service \\
bound_service_account_names="app-sa" \\
bound_service_account_namespaces="production" \\
policies="app-production-policy" \\
ttl="1h"`), `${SUCCESS}auth/kubernetes/role/app-service\n`);
  });

  it("the role's account logs in, no other role does", async () => {
    const jwt = "jwt=@/var/run/secrets/kubernetes.io/serviceaccount/token";
    assert.match(await sh(`vault login -no-store -method=kubernetes role=app-service ${jwt}`), /^token_duration +1h$[^]*^token_policies +\["app-production-policy" "default"\]$/m);
    await sh("vault write auth/kubernetes/role/other bound_service_account_names=app-sa bound_service_account_namespaces=staging");
    assert.match(await refused(`vault login -no-store -method=kubernetes role=other ${jwt}`), /namespace not authorized/);
  });
});

guide("GitHub", false, startOrganization, ({ sh, refused }) => {
  it("enable, configure, maps, login", async () => {
    assert.equal(await sh("vault auth enable github"), enabled("github"));
    assert.equal(await sh(`vault write auth/github/config organization="mycompany" \\
ttl="1h" \\
max_ttl="24h"`), `${SUCCESS}auth/github/config\n`);
    assert.equal(await sh(`vault write auth/github/map/teams/engineering \\
value="engineering-policy,secrets-read"`), `${SUCCESS}auth/github/map/teams/engineering\n`);
    assert.equal(await sh(`vault write auth/github/map/teams/platform \\
value="platform-admin-policy,secrets-admin"`), `${SUCCESS}auth/github/map/teams/platform\n`);
    const shown = await sh('vault login -method=github token="$GITHUB_TOKEN"');
    assert.match(shown, /^token_duration +1h$[^]*^token_policies +\["default" "engineering-policy" "secrets-read"\]$[^]*^token_meta_username +ann$/m);
    assert.match(await refused('vault login -method=github token="$GITHUB_TOKEN"x'), /401 Bad credentials/);
  });
});

guide("GitHub Actions", false, startCiSystem, ({ sh, refused }) => {
  const login = "vault write auth/github-actions/login role=github-ci jwt=@ci.jwt";

  it("enable, configure, the role", async () => {
    assert.equal(await sh("vault auth enable -path=github-actions jwt"), enabled("jwt", "github-actions"));
    assert.equal(await sh(`vault write auth/github-actions/config \\
oidc_discovery_url="https://token.actions.githubusercontent.com" \\
bound_issuer="https://token.actions.githubusercontent.com"`), `${SUCCESS}auth/github-actions/config\n`);
    // Quotes around the map are all that is not the guide's: without them no shell reads it.
    assert.equal(await sh(`vault write auth/github-actions/role/github-ci \\
role_type="jwt" \\
user_claim="repository" \\
bound_claims_type="glob" \\
bound_claims='{
"repository"="mycompany/*",
"ref"="refs/heads/main"
}' \\
token_ttl="15m" \\
token_policies="ci-read-policy"`), `${SUCCESS}auth/github-actions/role/github-ci\n`);
    assert.match(await sh("vault read auth/github-actions/role/github-ci"), /^bound_claims +map\[ref:refs\/heads\/main repository:mycompany\/\*\]$/m);
  });

  it("a job's token names an audience, which the role has to name too", async () => {
    assert.match(await refused(login), /audience claim found in JWT but no audiences bound to the role/);
    await sh('vault write auth/github-actions/role/github-ci role_type="jwt" user_claim="repository" bound_claims_type="glob" bound_audiences="https://github.com/mycompany"');
    assert.match(await sh(login), /^token_duration +15m$[^]*^token_policies +\["ci-read-policy" "default"\]$/m);
    await sh(`vault write auth/github-actions/role/github-ci role_type="jwt" user_claim="repository" bound_claims_type="glob" bound_claims='{ "repository"="mycompany/*", "ref"="refs/heads/other" }'`);
    assert.match(await refused(login), /claim "ref" does not match any associated bound claim values/);
  });
});
