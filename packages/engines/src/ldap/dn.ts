/** A value inside of a DN, escaped as RFC 4514 has it. */
export function escapeDnValue(text: string): string {
  const bytes = Buffer.from(text);
  let escaped = "";
  bytes.forEach((byte, i) => {
    const character = String.fromCharCode(byte);
    const isEdge = i === 0 || i === bytes.length - 1;
    if (byte < 0x20 || byte > 0x7e) escaped += `\\${byte.toString(16).padStart(2, "0")}`;
    else if ('"+,;<>\\#'.includes(character) || (isEdge && character === " ")) escaped += `\\${character}`;
    else escaped += character;
  });
  return escaped;
}

interface Attribute {
  readonly type: string;
  readonly value: string;
}

/** The attributes of a DN in order, or undefined for a text that is none. RFC 4514; quoted values of RFC 1779 are none. */
export function parseDn(text: string): Attribute[] | undefined {
  const attributes: Attribute[] = [];
  for (const part of splitUnescaped(text)) {
    const match = /^\s*([A-Za-z][\w-]*|\d+(?:\.\d+)*)\s*=\s*(.*)$/s.exec(part);
    if (!match) return undefined;
    attributes.push({ type: match[1]!, value: unescape(match[2]!) });
  }
  return attributes;
}

function splitUnescaped(text: string): string[] {
  return text.match(/(?:\\.|[^\\,;+])+/gs) ?? [];
}

function unescape(text: string): string {
  const bytes: Buffer[] = [];
  for (const [piece, hex, plain] of text.replace(/(?<!\\)\s+$/, "").matchAll(/\\([0-9a-fA-F]{2})|\\(.)|[^\\]+/gs)) {
    bytes.push(hex !== undefined ? Buffer.from(hex, "hex") : Buffer.from(plain ?? piece));
  }
  return Buffer.concat(bytes).toString();
}

/** The common name in a DN; a text that is no DN, or has none, as it is. */
export function commonNameOf(text: string, onlyCapitals: boolean): string {
  return parseDn(text)?.find(({ type }) => (onlyCapitals ? type === "CN" : type.toLowerCase() === "cn"))?.value ?? text;
}
