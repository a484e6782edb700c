import { charactersOf } from "./policy.js";
import type { PasswordPolicy } from "./policy.js";

type RandomBytes = (length: number) => Uint8Array;

const BYTES = 256;

/**
 * A password that meets the policy. The characters that the rules demand are drawn first, the rest of all, and then their order
 * is shuffled: a policy that candidates would hardly ever meet by chance takes no longer than any other.
 */
export function generatePassword({ length, rules }: PasswordPolicy, randomBytes: RandomBytes): string {
  const demanded = rules.flatMap(({ charset, minChars }) => randomCharacters(charset, Math.max(0, minChars), randomBytes));
  const rest = randomCharacters(charactersOf(rules), length - demanded.length, randomBytes);
  return shuffle([...demanded, ...rest], randomBytes).join("");
}

/** Each equally likely. There are at most 256 to choose from. */
export function randomCharacters(characters: readonly string[], count: number, randomBytes: RandomBytes): string[] {
  const picked: string[] = [];
  const draw = drawer(randomBytes);
  for (let i = 0; i < count; i++) picked.push(characters[draw(characters.length)]!);
  return picked;
}

/** Fisher and Yates. */
function shuffle(characters: string[], randomBytes: RandomBytes): string[] {
  const draw = drawer(randomBytes);
  for (let last = characters.length - 1; last > 0; last--) {
    const other = draw(last + 1);
    [characters[last], characters[other]] = [characters[other]!, characters[last]!];
  }
  return characters;
}

/** Draws a number below `bound` (at most 256), each equally likely: bytes beyond the last multiple of it are thrown away. */
function drawer(randomBytes: RandomBytes): (bound: number) => number {
  let bytes: Uint8Array = new Uint8Array();
  let next = 0;
  return (bound) => {
    const fair = BYTES - (BYTES % bound);
    for (;;) {
      if (next >= bytes.length) {
        bytes = randomBytes(64);
        next = 0;
      }
      const byte = bytes[next++]!;
      if (byte < fair) return byte % bound;
    }
  };
}
