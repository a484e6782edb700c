/** What no field expects, or no field expects that much of; the same for every seed. */
const LONG = "x".repeat(1024 * 1024);
const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);

/** As JSON text: JavaScript cannot say all of it. */
export const BAD_VALUES: readonly string[] = [
  // Other types.
  "true", "0", "-1", "1.5", "[]", "{}", "null", '""', '" "',
  // Numbers: huge, negative, fractional, and texts that look like some.
  "9007199254740993", "-9223372036854775809", "1e308", "-1e308", "2147483648", "4294967296", "1e-320", "123456789012345678901234567890.5",
  '"NaN"', '"Infinity"', '"-0"', '"0x10"', '"1e9"', '"١٢"', '"9223372036854775808"', '"1000000h"', '"-1s"', '"9999999999999999999s"',
  // Text: characters that cannot be seen, that steer a terminal or an editor, that are half of one.
  '"\\u0000"', '"a\\u0000b\\r\\n\\u001b[31m"', '"\\u202e\\ud83d\\ude00é"', '"\\ud800"', '"ﬁ İ ß"',
  // Text that means something elsewhere.
  '"../../etc/passwd"', '"%2e%2e%2f%00"', '"/"', '"//"', '"__proto__"', '"constructor"', '"*"', '"+"', '"{{identity.entity.name}}{{"', '"{{"', '"%s%n%d"', '"$&$1"', '"\' OR 1=1; --"', '"(a+)+$"', '"["',
  '"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n"', '"-----BEGIN PRIVATE KEY-----"', '"AAAA"', '"vault:v1:AAAA"', '"vault:v99999999999:AAAA"', '"eyJhbGciOiJub25lIn0.e30."', '"http://127.0.0.1:1/"', '"http://["', '"a=b,c"', '"2026-13-45T99:00:00Z"', '"256.0.0.1/33"', '"::/129"',
  // Lists and maps, deep and long.
  "[1,[2,[3,{}]]]", "[null]", "[[]]", '["","\\u0000"]', '{"a":{"b":[{}]}}', '{"__proto__":{"x":1},"constructor":{"prototype":1}}', '{"":""}', nested("[", "]", 250), `${'{"a":'.repeat(250)}1${"}".repeat(250)}`, nested("[", "]", 5000),
  JSON.stringify(Array.from({ length: 5000 }, (_, i) => `item-${i}`)), JSON.stringify(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`k${i}`, i]))),
  `"${"ab=".repeat(5000)}"`, `"${"-".repeat(5000)}"`, `"${LONG}"`,
];

/** In the place of a parameter of a path. The core sees a path as the border has decoded it, or worse. */
export const BAD_SEGMENTS: readonly string[] = [
  "..", ".", "...", "%2e%2e", "%00", "\u0000", "a\u0000b", "a\nb", "\u001b[31m", "é\u202e😀", "\ud800", " ", "+", "*", "~", "-1", "NaN", "99999999999999999999", "1e9",
  "__proto__", "constructor", "toString", "{{x}}", "%s", "a/../b", "a//b", "/", "..%2f..", "sample/", "sample\\", "SAMPLE", "x".repeat(5000),
];

/** Whole bodies. */
export const BAD_BODIES: readonly string[] = [
  "", " ", "null", "[]", "1", '"x"', "{", '{"a"', "{}{}", '{"a":NaN}', "\u0000", nested("[", "]", 100_000), `{"a":${nested("[", "]", 100_000)}}`, `${'{"a":'.repeat(100_000)}`, "a=b&a=c&%zz=1",
];

/** Fields that nothing declares, as JSON without its braces; sent beside those that make a request a good one. */
export const STRANGE_FIELDS: readonly string[] = ['"\\u0000":1', '"__proto__":{"a":1}', '"unknown":1,"another":{"a":[]}'];
