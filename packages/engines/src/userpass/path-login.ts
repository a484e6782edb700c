import { definePath, denied, field, grantFor, invalid, isWithin, loginDisplayName, unknownUser, wrongCredentials } from "@coffer/state-machine";
import { isPassword } from "./password.js";
import { USERNAME } from "./path-users.js";
import { getUser } from "./storage.js";

const INVALID = "invalid username or password";

export const loginPath = definePath({
  template: "login/{username}",
  help: { synopsis: "Logs a user in.", description: "With the name in the path and the password in the body." },
  fields: { username: USERNAME, password: field.string({ description: "Password.", sensitive: true, default: "" }) },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "Log in.",
      loginAs: ({ input }) => input.username.toLowerCase(),
      handler: async ({ input, remoteAddress }, storage, mount) => {
        const name = input.username.toLowerCase();
        if (input.password === "") throw invalid("missing password");
        const user = getUser(storage, name);
        const isRight = await isPassword(input.password, user?.hash);
        if (!user) throw unknownUser(INVALID);
        if (!isRight) throw wrongCredentials(INVALID);
        const { token_bound_cidrs: networks, token_policies } = user.tokens.parameters;
        if (!isWithin(networks, remoteAddress)) throw denied();
        const grant = grantFor(user.tokens, {
          displayName: loginDisplayName(mount, name),
          metadata: { username: name },
          alias: { name },
          internalData: { username: name, policies: token_policies },
          remoteAddress,
        });
        return { kind: "envelope", data: null, grant };
      },
    },
  },
});
