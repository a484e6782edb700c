import "reflect-metadata";
import { BlockList, isIP } from "node:net";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate as CertificateSchema, id_ce_nameConstraints, id_ce_subjectAltName, NameConstraints, SubjectAlternativeName } from "@peculiar/asn1-x509";
import type { GeneralName, GeneralSubtree, Name } from "@peculiar/asn1-x509";
import { namesOf } from "./certificates.js";
import type { Certificate } from "./certificates.js";

/** Kinds of names that constraints can be about, and that are compared here. Others that are constrained fit nothing. */
type Kind = "dNSName" | "rfc822Name" | "uniformResourceIdentifier" | "iPAddress" | "directoryName";
const KINDS: readonly Kind[] = ["dNSName", "rfc822Name", "uniformResourceIdentifier", "iPAddress", "directoryName"];
const EMAIL = "1.2.840.113549.1.9.1";

type Names = Readonly<Record<Kind, readonly string[]>> & { readonly directories: readonly Name[]; readonly others: readonly string[] };

const schema = ({ node }: Certificate): CertificateSchema => AsnConvert.parse(node.raw, CertificateSchema);
const kindOf = (name: GeneralName): string => Object.keys(name).find((key) => name[key as keyof GeneralName] !== undefined) ?? "";

/** Why a certificate below an issuer has a name that the issuer may not give; undefined: it has none. RFC 5280, section 4.2.1.10. */
export function nameProblem(issuer: Certificate, below: readonly Certificate[]): string | undefined {
  const extension = schema(issuer).tbsCertificate.extensions?.find(({ extnID }) => extnID === id_ce_nameConstraints);
  if (!extension) return undefined;
  let constraints: NameConstraints;
  try {
    constraints = AsnConvert.parse(extension.extnValue.buffer, NameConstraints);
  } catch {
    return "name constraints of an issuer cannot be read";
  }
  const { permittedSubtrees: permitted = [], excludedSubtrees: excluded = [] } = constraints;
  for (const [i, certificate] of below.entries()) {
    // An issuer that issued itself anew has its own name.
    if (i > 0 && certificate.node.subject === certificate.node.issuer) continue;
    const strange = strangeName(certificate, [...permitted], [...excluded]);
    if (strange !== undefined) return `${strange} is not permitted by the name constraints of an issuer`;
  }
  return undefined;
}

function strangeName(certificate: Certificate, permitted: readonly GeneralSubtree[], excluded: readonly GeneralSubtree[]): string | undefined {
  const names = allNames(certificate);
  const other = names.others.find((kind) => [...permitted, ...excluded].some(({ base }) => kindOf(base) === kind));
  if (other !== undefined) return `a name of kind ${other}`;
  for (const kind of KINDS) {
    const [may, mayNot] = [permitted, excluded].map((trees) => trees.map(({ base }) => base).filter((base) => kindOf(base) === kind)) as [GeneralName[], GeneralName[]];
    const values: readonly (string | Name)[] = kind === "directoryName" ? names.directories : names[kind];
    const bad = values.find((value) => mayNot.some((base) => fits(kind, value, base)) || (may.length > 0 && !may.some((base) => fits(kind, value, base))));
    if (bad !== undefined) return kind === "directoryName" ? "the subject" : `${kind} ${JSON.stringify(bad)}`;
  }
  return undefined;
}

function allNames(certificate: Certificate): Names {
  const { subject, extensions = [] } = schema(certificate).tbsCertificate;
  const extension = extensions.find(({ extnID }) => extnID === id_ce_subjectAltName);
  const items = extension ? [...AsnConvert.parse(extension.extnValue.buffer, SubjectAlternativeName)] : [];
  const of = (kind: Kind) => items.flatMap((item) => (typeof item[kind] === "string" ? [item[kind] as string] : []));
  const inSubject = [...subject].flatMap((part) => [...part]).filter(({ type }) => type === EMAIL).map(({ value }) => value.toString());
  const dns = of("dNSName");
  const { commonName } = namesOf(certificate);
  return {
    // Roles compare common names too: one that looks like a host is one, where there are no others.
    dNSName: dns.length === 0 && /^[\w*-]+(\.[\w-]+)+$/.test(commonName) ? [commonName] : dns,
    rfc822Name: [...of("rfc822Name"), ...inSubject, ...(/^[^@\s]+@[^@\s]+$/.test(commonName) ? [commonName] : [])],
    uniformResourceIdentifier: of("uniformResourceIdentifier"),
    iPAddress: of("iPAddress"),
    directoryName: [],
    directories: [...(subject.length > 0 ? [subject] : []), ...items.map(({ directoryName }) => directoryName).filter((one) => one !== undefined)],
    others: items.map(kindOf).filter((kind) => !KINDS.includes(kind as Kind)),
  };
}

function fits(kind: Kind, value: string | Name, base: GeneralName): boolean {
  if (kind === "directoryName") return isBelow(value as Name, base.directoryName!);
  const [text, constraint] = [(value as string).toLowerCase(), (base[kind] as string).toLowerCase()];
  if (kind === "dNSName") return isInDomain(text, constraint, true);
  if (kind === "rfc822Name") return constraint.includes("@") ? (value as string).split("@")[0] === (base[kind] as string).split("@")[0] && text === constraint : isInDomain(text.slice(text.lastIndexOf("@") + 1), constraint, false);
  if (kind === "iPAddress") return isInNetwork(text, constraint);
  const host = URL.canParse(text) ? new URL(text).hostname : "";
  return host !== "" && isIP(host) === 0 && isInDomain(host, constraint, false);
}

/** `.example.org`: hosts below. `example.org`: that host, and, of DNS names, hosts below too. Empty: any. */
function isInDomain(host: string, domain: string, withBelow: boolean): boolean {
  if (domain === "") return true;
  if (domain.startsWith(".")) return host.endsWith(domain) && host.length > domain.length;
  return host === domain || (withBelow && host.endsWith(`.${domain}`));
}

/** `network` is as the library writes it: address/prefix. */
function isInNetwork(address: string, network: string): boolean {
  const [base = "", prefix = ""] = network.split("/");
  const family = isIP(base) === 4 ? "ipv4" : "ipv6";
  if (isIP(base) === 0 || isIP(address) !== isIP(base) || !/^\d+$/.test(prefix)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(prefix), family);
  return list.check(address, family);
}

/** Its first parts are those of `above`, as they are written. */
function isBelow(name: Name, above: Name): boolean {
  const [parts, wanted] = [name, above].map((one) => [...one].map((part) => Buffer.from(AsnConvert.serialize(part)).toString("hex"))) as [string[], string[]];
  return wanted.every((part, i) => parts[i] === part);
}
