import { parseDuration } from "@coffer/hcl";
import { data, definePath, field, goDuration, invalid, NO_CONTENT } from "@coffer/state-machine";
import { federationFields, NO_FEDERATION, refuseFederation } from "../amazon/federation.js";
import { automatedRotation, automatedRotationFields, failureWarnings, NOT_ROTATED, shownRotation } from "../rotation/automated.js";
import { rotateRoot } from "./root-rotation.js";
import { getLease, getRoot, putLease, putRoot } from "./storage.js";
import { checkTemplate, DEFAULT_USERNAME_TEMPLATE } from "./username-template.js";

function checkEndpoint(name: string, text: string): void {
  if (text === "") return;
  if (!URL.canParse(text) || !["http:", "https:"].includes(new URL(text).protocol)) throw invalid(`${name} is not a URL of http or https`);
}

export const rootPath = definePath({
  template: "config/root",
  help: { synopsis: "How AWS is reached, and as whom.", description: "Without an access key credentials are found as AWS's SDK finds them: environment, profile, the instance's role. A write sets what it does not name to its default. The secret key is never shown." },
  fields: {
    access_key: field.string({ description: "Access key that credentials are made with.", default: "" }),
    secret_key: field.string({ description: "Its secret key.", default: "", sensitive: true }),
    region: field.string({ description: "Region; without one that of the environment, or us-east-1.", default: "" }),
    iam_endpoint: field.string({ description: "URL of IAM, where it is not AWS's own.", default: "" }),
    sts_endpoint: field.string({ description: "URL of STS, where it is not AWS's own.", default: "" }),
    sts_region: field.string({ description: "Region of STS, where it is another one.", default: "" }),
    sts_fallback_endpoints: field.commaList({ description: "URLs of STS that are tried in this order where the one before cannot be reached.", default: [] }),
    sts_fallback_regions: field.commaList({ description: "Their regions, one each.", default: [] }),
    max_retries: field.int({ description: "How often a request to AWS is tried again; -1 as often as the SDK does by itself.", default: -1 }),
    username_template: field.string({ description: "Template of the names of IAM users and federated users.", default: "" }),
    ...automatedRotationFields,
    ...federationFields,
  },
  exists: (_request, storage) => getRoot(storage) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read how AWS is reached.",
      handler(_request, storage) {
        const config = getRoot(storage);
        if (!config) return undefined;
        const { secret_key: _hidden, rotation = NOT_ROTATED, ...shown } = config;
        const answer = { sts_fallback_endpoints: [], sts_fallback_regions: [], ...shown, ...NO_FEDERATION, ...shownRotation(rotation) };
        return data(answer, failureWarnings(rotation, "rotate the access key"));
      },
    },
    update: {
      effect: "write",
      summary: "Set how AWS is reached.",
      handler({ input }, storage, { env }) {
        refuseFederation(input);
        const { role_arn: _arn, identity_token_audience: _audience, identity_token_ttl: _ttl, rotation_period, rotation_schedule, rotation_window, disable_automated_rotation, ...config } = input;
        if (config.sts_fallback_endpoints.length !== config.sts_fallback_regions.length) throw invalid("sts_fallback_endpoints and sts_fallback_regions must be as many");
        for (const endpoint of config.sts_fallback_endpoints) checkEndpoint("sts_fallback_endpoints", endpoint);
        if ((config.access_key === "") !== (config.secret_key === "")) throw invalid("access_key and secret_key must be given together");
        if (config.max_retries < -1) throw invalid("max_retries must be -1 or more");
        checkEndpoint("iam_endpoint", config.iam_endpoint);
        checkEndpoint("sts_endpoint", config.sts_endpoint);
        const username_template = config.username_template || DEFAULT_USERNAME_TEMPLATE;
        checkTemplate(username_template, env);
        // What is not given is as if it had never been; but the time of a rotation that stays the same does not start over.
        const turn = getRoot(storage)?.rotation ?? NOT_ROTATED;
        const given = { rotation_period: rotation_period ?? 0, rotation_schedule: rotation_schedule ?? "", rotation_window: rotation_window ?? 0, disable_automated_rotation: disable_automated_rotation ?? false };
        const rotation = automatedRotation(given, turn, env.now());
        if (rotation.turn && config.access_key === "") throw invalid("rotation_period and rotation_schedule need an access_key and secret_key that can be rotated");
        putRoot(storage, { ...config, username_template, rotation });
        return NO_CONTENT;
      },
    },
  },
});

export const rotateRootPath = definePath({
  template: "config/rotate-root",
  help: { synopsis: "Gives the engine a new access key.", description: "A new key is made for the user of the configured one, and stored. The old one is removed a moment later, when the new one is safe." },
  fields: {},
  operations: {
    update: {
      effect: "write",
      summary: "Rotate the engine's own access key.",
      handler: async (_request, storage, mount) => data({ access_key: await rotateRoot(storage, mount) }),
    },
  },
});

function lease(name: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds < 0) throw invalid(`Error parsing ${name}: time: invalid duration ${JSON.stringify(text)}`);
  return Math.trunc(seconds);
}

export const leasePath = definePath({
  template: "config/lease",
  help: { synopsis: "How long IAM users live.", description: "Without it, as the mount says. Credentials of STS have lifetimes of their own." },
  fields: {
    lease: field.string({ description: "Lifetime of a user, unless it is renewed.", default: "" }),
    lease_max: field.string({ description: "Lifetime of a user at most.", default: "" }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read how long IAM users live.",
      handler(_request, storage) {
        const config = getLease(storage);
        return config && data({ lease: goDuration(config.lease), lease_max: goDuration(config.lease_max) });
      },
    },
    update: {
      effect: "write",
      summary: "Set how long IAM users live.",
      handler({ input }, storage) {
        for (const name of ["lease", "lease_max"] as const) if (input[name] === "") throw invalid(`'${name}' is a required parameter`);
        putLease(storage, { lease: lease("lease", input.lease), lease_max: lease("lease_max", input.lease_max) });
        return NO_CONTENT;
      },
    },
  },
});
