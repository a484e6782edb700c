import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { DEFAULT_PASSWORD_POLICY, generatePassword, parsePasswordPolicy, randomCharacters } from "./index.js";

const rule = (charset: string, minChars = 0) => `rule "charset" {\n  charset = ${JSON.stringify(charset)}\n  min-chars = ${minChars}\n}\n`;
const count = (password: string, charset: string) => [...password].filter((one) => charset.includes(one)).length;
const refusal = (text: string) => {
  try {
    parsePasswordPolicy(text);
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
};

test("a password has the length and the characters that its policy demands", () => {
  const policy = parsePasswordPolicy(`length = 12\n${rule("abc", 5)}${rule("012", 4)}${rule("-_", 1)}`);
  for (let i = 0; i < 200; i++) {
    const password = generatePassword(policy, randomBytes);
    assert.match(password, /^[abc012_-]{12}$/);
    assert.ok(count(password, "abc") >= 5 && count(password, "012") >= 4 && count(password, "-_") >= 1, password);
  }
});

test("without a policy: 20 letters, digits and hyphens, of each kind one at least", () => {
  for (let i = 0; i < 200; i++) {
    const password = generatePassword(DEFAULT_PASSWORD_POLICY, randomBytes);
    assert.match(password, /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*-)[a-zA-Z\d-]{20}$/);
  }
});

test("characters beyond the BMP count as one", () => {
  assert.equal([...generatePassword(parsePasswordPolicy(`length = 8\n${rule("😀ß字")}`), randomBytes)].length, 8);
});

test("every character is equally likely, also where 256 is no multiple of their number", () => {
  // All bytes in turn: with a bias the first characters would come more often.
  let next = 0;
  const everyByte = (length: number) => Uint8Array.from({ length }, () => next++ % 256);
  const characters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"];
  const picked = randomCharacters(characters, characters.length * 400, everyByte);
  const counts = characters.map((one) => picked.filter((other) => other === one).length);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
});

test("places are shuffled: what a rule demands is not always in front", () => {
  const policy = parsePasswordPolicy(`length = 6\n${rule("a", 1)}${rule("0")}`);
  const firsts = Array.from({ length: 300 }, () => generatePassword(policy, randomBytes)[0]);
  assert.ok(firsts.includes("0") && firsts.includes("a"));
});

test("the JSON form and several rules in a list are the same policy", () => {
  const hcl = parsePasswordPolicy(`length = 10\n${rule("ab", 1)}${rule("c")}`);
  assert.deepEqual(parsePasswordPolicy('{"length": 10, "rule": [{"charset": [{"charset": "ab", "min-chars": 1}]}, {"charset": [{"charset": "c"}]}]}'), hcl);
});

test("what is no policy is refused, with what is wrong", () => {
  const problems = (...list: string[]) => `invalid password policy: ${list.length === 1 ? "1 error" : `${list.length} errors`} occurred:\n${list.map((one) => `\t* ${one}\n`).join("")}\n`;
  assert.equal(refusal(""), problems("length must be > 0", "no charset specified"));
  assert.equal(refusal("length = 20"), problems("no charset specified"));
  assert.equal(refusal(rule("abc")), problems("length must be > 0"));
  assert.equal(refusal(`length = 5\n${rule("abc", 4)}${rule("0", 2)}`), problems("specified rules require at least 6 characters but 5 is specified"));
  assert.equal(refusal(`length = 20\n${rule("a\u0007b")}`), problems("non-printable character in charset"));
  assert.equal(refusal(`length = 3\n${rule("abc")}`), "passwords must be between 4 and 100 characters");
  assert.equal(refusal(`length = 101\n${rule("abc")}`), "passwords must be between 4 and 100 characters");
  assert.match(refusal('length = 20\nrule "dictionary" {}')!, /^invalid password policy: .*unrecognized rule type dictionary/);
  assert.match(refusal("length = {")!, /^invalid password policy: .*\(line 1\)/);
  assert.match(refusal('length = "many"\n')!, /length takes a whole number/);
  assert.match(refusal(`lenght = 20\n${rule("abc")}`)!, /unknown key "lenght"; did you mean "length"/);
});
