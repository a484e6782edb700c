import { isIP } from "node:net";
import { data, definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import type { SecretKind } from "@coffer/state-machine";
import { listContains } from "./cidr-list.js";
import { roleName } from "./name.js";
import { deleteOtp, deleteZeroAddressRoles, getOtp, getRole, putOtp, putZeroAddressRoles, ROLES, zeroAddressRoles } from "./storage.js";
import type { OtpRole } from "./storage.js";

const SECRET = "otp";
/** What helpers on hosts ask to see whether they are set up well, and what they are told. */
const ECHO = { request: "verify-echo-request", response: "verify-echo-response" } as const;

function chosenUser(role: OtpRole, asked: string): string {
  const username = asked || role.default_user;
  if (username === role.default_user || role.allowed_users === "*") return username;
  if (role.allowed_users === "") throw invalid("Username has to be either in allowed users list or has to be a default username");
  if (!role.allowed_users.split(",").some((one) => one.trim() === username)) throw invalid("Username is not present is allowed users list");
  return username;
}

export const credsPath = definePath({
  template: "creds/{role}",
  help: { synopsis: "Makes a one-time password for a host.", description: "The helper on the host has it verified. It can be used once, until its lease ends." },
  fields: {
    role: roleName({ description: "Name of the role.", required: true }),
    username: field.string({ description: "User on the host; the role's default if absent.", default: "" }),
    ip: field.string({ description: "Address of the host.", default: "" }),
  },
  operations: {
    update: {
      effect: "write",
      summary: "Make a one-time password.",
      handler({ input }, storage, { env }) {
        const { role: name, ip } = input;
        if (ip === "") throw invalid("Missing ip");
        const role = getRole(storage, name);
        if (!role) throw invalid(`Role ${JSON.stringify(name)} not found`);
        if (role.key_type !== "otp") throw invalid("role key type 'ca' does not hand out one-time passwords");
        const username = chosenUser(role, input.username);
        if (isIP(ip) === 0) throw invalid(`Invalid IP ${JSON.stringify(ip)}`);
        const isOpen = zeroAddressRoles(storage)?.includes(name) ?? false;
        if (!isOpen && (!listContains(role.cidr_list, ip) || listContains(role.exclude_cidr_list, ip))) throw invalid("Error validating IP: IP does not belong to role");
        const otp = env.uuid();
        putOtp(storage, otp, { username, ip, role_name: name }, env);
        return data({ key_type: "otp", key: otp, username, ip, port: role.port }, { secret: { kind: SECRET, renewable: false, internalData: { otp } } });
      },
    },
  },
});

export const otpSecret: SecretKind = { name: SECRET, revoke: ({ otp }, storage) => deleteOtp(storage, String(otp)) };

export const verifyPath = definePath({
  template: "verify",
  help: { synopsis: "Verifies a one-time password, and uses it up.", description: "For helpers on hosts, which need no token: who has the password learns for which user and host it is." },
  fields: { otp: field.string({ description: "The one-time password.", required: true, sensitive: true }) },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "Verify a one-time password.",
      handler({ input }, storage) {
        if (input.otp === ECHO.request) return data({ message: ECHO.response });
        const found = getOtp(storage, input.otp);
        if (!found) throw invalid("OTP not found");
        deleteOtp(storage, input.otp);
        return data({ username: found.username, ip: found.ip, role_name: found.role_name });
      },
    },
  },
});

export const lookupPath = definePath({
  template: "lookup",
  help: { synopsis: "Lists the roles that have one-time passwords for a host.", description: "Whether the caller may use them is another matter." },
  fields: { ip: field.string({ description: "Address of the host.", default: "" }) },
  operations: {
    update: {
      effect: "read",
      summary: "List roles for a host.",
      async handler({ input }, storage) {
        if (input.ip === "") throw invalid("Missing ip");
        if (isIP(input.ip) === 0) throw invalid(`Invalid IP ${JSON.stringify(input.ip)}`);
        const matching = (await storage.list(ROLES)).filter((name) => {
          const role = getRole(storage, name);
          return role?.key_type === "otp" && listContains(role.cidr_list, input.ip);
        });
        const roles = [...new Set([...matching, ...(zeroAddressRoles(storage) ?? [])])];
        return data({ roles: roles.length > 0 ? roles : null });
      },
    },
  },
});

export const zeroAddressPath = definePath({
  template: "config/zeroaddress",
  help: { synopsis: "Roles that take any address.", description: "Networks of these roles do not count. Who may use them is a matter of policies alone." },
  fields: { roles: field.commaList({ description: "Names of the roles.", default: [] }) },
  operations: {
    read: {
      effect: "read",
      summary: "Read the roles that take any address.",
      handler(_request, storage) {
        const roles = zeroAddressRoles(storage);
        return roles && data({ roles });
      },
    },
    update: {
      effect: "write",
      summary: "Set the roles that take any address.",
      handler({ input }, storage) {
        if (input.roles.length === 0) throw invalid("Missing roles");
        const missing = input.roles.find((name) => !getRole(storage, name));
        if (missing !== undefined) throw invalid(`Role ${JSON.stringify(missing)} does not exist`);
        putZeroAddressRoles(storage, input.roles);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Let no role take any address.",
      handler(_request, storage) {
        deleteZeroAddressRoles(storage);
        return NO_CONTENT;
      },
    },
  },
});
