// The real programs that some tests talk to: an AWS emulator, databases, an LDAP server. `npm test` calls this; what is
// there already costs nothing. Where something cannot be installed (no root, no network), its tests are skipped and say so.
//   node scripts/counterparts.mjs            all
//   node scripts/counterparts.mjs moto …     only these
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const CACHE = process.env.COFFER_COUNTERPARTS ?? join(homedir(), ".cache", "coffer-counterparts");
const FOLDERS = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];

const onPath = (name) => FOLDERS.some((folder) => existsSync(join(folder, name)));
const run = (command, args, env = {}) => spawnSync(command, args, { stdio: "ignore", env: { ...process.env, ...env } }).status === 0;

/** Debian's packages, without starting their services. */
const COUNTERPARTS = {
  openssl: { isThere: () => onPath("openssl"), packages: ["openssl"] },
  ssh: { isThere: () => onPath("sshd") && onPath("ssh-keygen"), packages: ["openssh-server", "openssh-client"] },
  postgresql: { isThere: () => onPath("postgres") || existsSync("/usr/lib/postgresql"), packages: ["postgresql"] },
  mariadb: { isThere: () => onPath("mariadbd"), packages: ["mariadb-server"] },
  redis: { isThere: () => onPath("redis-server"), packages: ["redis-server"] },
  slapd: { isThere: () => onPath("slapd"), packages: ["slapd", "ldap-utils"] },
  moto: { isThere: () => onPath("moto_server") || existsSync(join(CACHE, "moto/bin/moto_server")), packages: ["python3-venv"], then: installMoto },
};

function installMoto() {
  mkdirSync(CACHE, { recursive: true });
  const folder = join(CACHE, "moto");
  return run("python3", ["-m", "venv", folder]) && run(join(folder, "bin/pip"), ["install", "-q", "moto[server,iam,sts,kms,ec2,s3]"]);
}

let isIndexFresh = false;
function install(packages) {
  if (process.getuid?.() !== 0 || !onPath("apt-get")) return false;
  if (!isIndexFresh) run("apt-get", ["update", "-qq"]);
  isIndexFresh = true;
  // A policy that forbids it keeps the packages from starting servers of their own.
  return run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" });
}

const asked = process.argv.slice(2);
for (const name of asked.filter((one) => !(one in COUNTERPARTS))) {
  console.error(`unknown counterpart ${name}; there are ${Object.keys(COUNTERPARTS).join(", ")}`);
  process.exit(1);
}
for (const [name, { isThere, packages, then }] of Object.entries(COUNTERPARTS)) {
  if ((asked.length > 0 && !asked.includes(name)) || isThere()) continue;
  console.log(`installing ${name} for the tests that need it …`);
  const isInstalled = (install(packages) || then !== undefined) && (then?.() ?? true);
  if (!isInstalled || !isThere()) console.log(`${name} could not be installed: its tests will be skipped`);
}
