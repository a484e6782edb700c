/** What an ssh command line says of where it goes. Empty: it does not say. */
export interface Destination {
  readonly user: string;
  readonly host: string;
  readonly port: string;
}

/** ssh(1): options that take no value. */
const WITHOUT_VALUE = new Set("46AaCfGgKkMNnqsTtVvXxYy");

/** The arguments of ssh after our own flags: options, [user@]host, and the command to run there. */
export function readDestination(args: readonly string[]): Destination {
  let [user, host, port] = ["", "", ""];
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (!word.startsWith("-")) {
      // A second bare word begins the command, which is none of ours.
      if (host !== "") break;
      const at = word.lastIndexOf("@");
      [user, host] = [at < 0 ? user : word.slice(0, at), word.slice(at + 1)];
      continue;
    }
    const { letter, value, took } = optionOf(word, args[i + 1]);
    if (took) i++;
    if (letter === "p") port = value;
    else if (letter === "l") user ||= value;
    else if (letter === "o") {
      const [, name = "", setting = ""] = /^\s*(\w+)\s*[=\s]\s*(.*)$/.exec(value) ?? [];
      if (name.toLowerCase() === "user") user ||= setting;
      if (name.toLowerCase() === "port") port ||= setting;
    }
  }
  return { user, host, port };
}

/** `-p22`, `-p 22`, `-vvp 22`. */
function optionOf(word: string, next: string | undefined): { readonly letter: string; readonly value: string; readonly took: boolean } {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at]!;
    if (WITHOUT_VALUE.has(letter)) continue;
    const rest = word.slice(at + 1);
    return rest === "" ? { letter, value: next ?? "", took: true } : { letter, value: rest, took: false };
  }
  return { letter: "", value: "", took: false };
}
