import { definePath, field, invalid } from "@coffer/state-machine";
import { TokenRefused } from "../web-tokens/signature.js";
import { isSame } from "./code-exchange.js";
import { pollDevice } from "./device.js";
import { FAILED, flowOf } from "./flow.js";
import { checkAddress, enter } from "./login.js";
import { usedUp } from "./path-callback.js";
import { release } from "./pending.js";
import { deleteFlow, getConfig, getRole } from "./storage.js";

export const pollPath = definePath({
  template: "oidc/poll",
  help: { synopsis: "Asks whether a login by browser is done.", description: "For roles of callback_mode `direct` and `device`. While the user is not done the error is authorization_pending, or slow_down where the client asks too often (RFC 8628)." },
  fields: {
    state: field.string({ description: "State of the login, from oidc/auth_url.", default: "" }),
    client_nonce: field.string({ description: "The text that the login was begun with.", default: "", sensitive: true }),
  },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "End a login by browser, if the user is done.",
      async handler({ input: { state, client_nonce: nonce }, remoteAddress }, storage, mount) {
        const flow = flowOf(storage, state, mount.env);
        // The state alone is no secret: the browser of mode `direct` has it. So a wrong nonce does not end the login.
        if (flow.mode === "client" || !isSame(nonce, flow.clientNonce)) throw invalid("invalid client_nonce");
        const config = getConfig(storage);
        if (!config) throw invalid(`${FAILED} Could not load configuration`);
        const role = getRole(storage, flow.role);
        const end = () => {
          deleteFlow(storage, state);
          release(mount, state);
        };
        if (!role) {
          end();
          return usedUp(`${FAILED} Role could not be found`);
        }
        checkAddress(role, remoteAddress);
        try {
          const known = flow.mode === "device" ? await pollDevice(flow, config, role, mount.env.now()) : flow.done;
          if (known === undefined) throw invalid("authorization_pending");
          if (typeof known === "string") throw invalid(known);
          end();
          if ("refused" in known) return usedUp(known.refused);
          const { claims, accessToken, oauth2 } = known;
          if (role.bound_subject !== "" && claims["sub"] !== role.bound_subject) return usedUp(`${FAILED} sub claim does not match bound subject`);
          return await enter({ roleName: flow.role, role, config, claims, ...(accessToken !== undefined && { accessToken }), ...(oauth2 && { oauth2 }), remoteAddress }, mount);
        } catch (error) {
          if (!(error instanceof TokenRefused)) throw error;
          end();
          return usedUp(`${FAILED} ${error.message}`);
        }
      },
    },
  },
});
