import { X509Certificate } from "node:crypto";
import { data, definePath, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import { trustedSigner } from "./pkcs7.js";
import { CERTIFICATES, deleteCertificate, getCertificate, putCertificate } from "./storage.js";

export const certificatesPath = definePath({
  template: "config/certificates",
  help: { synopsis: "Lists the certificates that were added.", description: "By their names. AWS's own, which are believed without being added, are not among them." },
  fields: {},
  operations: { list: { effect: "read", summary: "List certificates.", handler: async (_request, storage) => keyList(await storage.list(CERTIFICATES)) } },
});

export const certificatePath = definePath({
  template: "config/certificate/{cert_name}",
  help: {
    synopsis: "Adds a certificate by which identity documents of instances are believed.",
    description: "Needed for regions that are newer than this version. AWS publishes the certificates of all regions.",
  },
  fields: {
    cert_name: field.name({ description: "Name of the certificate.", required: true }),
    aws_public_cert: field.string({ description: "The certificate: PEM, or PEM in base64.", default: "" }),
    type: field.string({ description: "What it signs: `pkcs7` (PKCS#7 messages), or `identity` (bare signatures).", default: "pkcs7" }),
  },
  exists: ({ input }, storage) => getCertificate(storage, input.cert_name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a certificate.",
      handler({ input }, storage) {
        const entry = getCertificate(storage, input.cert_name);
        return entry && data({ ...entry });
      },
    },
    update: {
      effect: "write",
      summary: "Add a certificate.",
      handler({ input: { cert_name: name, aws_public_cert: given, type } }, storage) {
        if (given === "") throw invalid("missing aws_public_cert");
        if (type !== "pkcs7" && type !== "identity") throw invalid(`invalid certificate type ${JSON.stringify(type)}`);
        putCertificate(storage, name, { aws_public_cert: checkedPem(given), type });
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Remove a certificate.",
      handler({ input }, storage) {
        deleteCertificate(storage, input.cert_name);
        return NO_CONTENT;
      },
    },
  },
});

/** Throws RequestError 400 for what is no certificate of one key that can sign. */
function checkedPem(given: string): string {
  const pem = given.includes("-----BEGIN") ? given : Buffer.from(given, "base64").toString("utf8");
  try {
    const certificate = new X509Certificate(pem);
    trustedSigner(certificate);
    if (!["rsa", "dsa"].includes(certificate.publicKey.asymmetricKeyType ?? "")) throw new Error("its key is neither RSA nor DSA");
    return certificate.toString();
  } catch (error) {
    throw invalid(`invalid certificate; failed to decode and parse certificate: ${(error as Error).message}`);
  }
}
