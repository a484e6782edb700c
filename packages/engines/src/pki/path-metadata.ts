import { data, definePath, field, keyList, pageFields } from "@coffer/state-machine";
import { getMetadata, metadataSerials } from "./metadata.js";
import { pem } from "./pem.js";
import { getCertificate } from "./storage.js";

export const metadataListPath = definePath({
  template: "cert-metadata",
  help: { synopsis: "Lists the serial numbers of certificates that have metadata.", description: "Those are kept until tidy forgets them (tidy_cert_metadata), of certificates that are not stored too." },
  fields: pageFields("serial numbers"),
  operations: { list: { effect: "read", summary: "List certificates with metadata.", handler: async ({ input }, storage) => keyList(await metadataSerials(storage, input)) } },
});

export const metadataPath = definePath({
  template: "cert-metadata/{serial}",
  help: { synopsis: "Reads the metadata of a certificate.", description: "What the caller gave as cert_metadata, with the role and the issuer." },
  fields: { serial: field.string({ description: "Serial number of the certificate, with colons or hyphens.", required: true }) },
  operations: {
    read: {
      effect: "read",
      summary: "Read the metadata of a certificate.",
      handler({ input }, storage) {
        const found = getMetadata(storage, input.serial);
        if (!found) return undefined;
        const { expiresMs, ...shown } = found;
        return data({ ...shown, expiration: new Date(expiresMs).toISOString() });
      },
    },
  },
});

export const batchCertsPath = definePath({
  template: "batch/certs",
  help: { synopsis: "Reads many certificates at once.", description: "Of each serial number the certificate, or null where it is not stored." },
  fields: { serial_numbers: field.commaList({ description: "Serial numbers, with colons or hyphens.", required: true }) },
  operations: {
    update: {
      effect: "read",
      summary: "Read many certificates.",
      handler({ input }, storage) {
        const shown = (serial: string) => {
          const certificate = getCertificate(storage, serial);
          return certificate ? `${pem("CERTIFICATE", certificate)}\n` : null;
        };
        return data({ certificates: Object.fromEntries(input.serial_numbers.map((serial) => [serial, shown(serial)])) });
      },
    },
  },
});
