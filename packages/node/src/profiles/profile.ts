import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { Function as PprofFunction, Line, Location, Mapping, Profile as PprofProfile, Sample as PprofSample, StringTable, ValueType } from "pprof-format";

export interface Frame {
  readonly name: string;
  /** Empty for what is no JavaScript. */
  readonly file: string;
  /** From 1; 0 where there is none. */
  readonly line: number;
}

export interface Sample {
  /** Innermost first; never empty. */
  readonly stack: readonly Frame[];
  /** One of each of the profile's `types`. */
  readonly values: readonly number[];
}

interface Quantity {
  readonly type: string;
  readonly unit: string;
}

/** What profile.proto (github.com/google/pprof) can say, as far as it is needed here. */
export interface Profile {
  readonly types: readonly Quantity[];
  readonly samples: readonly Sample[];
  /** Milliseconds since 1970: when it began. */
  readonly timeMs: number;
  /** 0 for the state of one moment. */
  readonly durationMs: number;
  /** How much there is between two samples; absent where everything was counted. */
  readonly period?: Quantity & { readonly amount: number };
}

const NS_PER_MS = 1_000_000n;

/** Gives each key an id, from 1 on, and keeps what is made of it the first time. */
function createTable<T>(): { readonly rows: readonly T[]; readonly idOf: (key: string, make: (id: number) => T) => number } {
  const ids = new Map<string, number>();
  const rows: T[] = [];
  return {
    rows,
    idOf(key, make) {
      const known = ids.get(key);
      if (known !== undefined) return known;
      const id = rows.length + 1;
      ids.set(key, id);
      rows.push(make(id));
      return id;
    },
  };
}

/** profile.proto, gzip'd, as `go tool pprof` reads it. */
export function encodeProfile({ types, samples, timeMs, durationMs, period }: Profile): Uint8Array {
  const stringTable = new StringTable();
  const text = (value: string) => stringTable.dedup(value);
  const valueType = ({ type, unit }: Quantity) => new ValueType({ type: text(type), unit: text(unit) });
  const functions = createTable<PprofFunction>();
  const locations = createTable<Location>();
  const functionOf = ({ name, file }: Frame) => functions.idOf(`${file}\n${name}`, (id) => new PprofFunction({ id, name: text(name), systemName: text(name), filename: text(file) }));
  const locationOf = (frame: Frame) =>
    locations.idOf(`${frame.line}\n${frame.file}\n${frame.name}`, (id) => new Location({ id, mappingId: 1, line: [new Line({ functionId: functionOf(frame), line: frame.line })] }));
  const profile = new PprofProfile({
    stringTable,
    sampleType: types.map(valueType),
    sample: samples.map(({ stack, values }) => new PprofSample({ locationId: stack.map(locationOf), value: values.map(Math.round) })),
    // Without one that says that functions have names already, readers go and look for them.
    mapping: [new Mapping({ id: 1, filename: text("coffer"), hasFunctions: true, hasFilenames: true, hasLineNumbers: true })],
    location: [...locations.rows],
    function: [...functions.rows],
    timeNanos: BigInt(Math.round(timeMs)) * NS_PER_MS,
    durationNanos: BigInt(Math.round(durationMs)) * NS_PER_MS,
    ...(period && { periodType: valueType(period), period: period.amount }),
  });
  return gzipSync(profile.encode());
}

/** For people: a line a sample, the largest first. */
export function profileText(name: string, { types, samples, durationMs }: Profile): string {
  const title = `${name} profile: ${types.map(({ type, unit }) => `${type}/${unit}`).join(", ")}${durationMs > 0 ? ` in ${Math.round(durationMs)} ms` : ""}`;
  const largest = [...samples].sort((a, b) => (b.values.at(-1) ?? 0) - (a.values.at(-1) ?? 0));
  const place = ({ name: called, file, line }: Frame) => (file === "" ? called : `${called} ${file}:${line}`);
  return `${[title, ...largest.map(({ stack, values }) => `${values.map(Math.round).join(" ")} @ ${stack.map(place).join(" < ")}`)].join("\n")}\n`;
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
}

/** One of V8's frames as pprof names it; its names in brackets, such as `(garbage collector)`, stay. What has no name is named after its place. */
export function frameOf({ functionName, url, lineNumber }: CallFrame): Frame {
  const [file, line] = [url.replace(/^file:\/\//, ""), lineNumber + 1];
  return { name: functionName === "" ? `(anonymous ${basename(file)}:${line})` : functionName, file, line };
}

/** A profile of this one number of each name. */
export function countsProfile(types: readonly Quantity[], counts: Readonly<Record<string, number>>): Profile {
  return { types, samples: Object.entries(counts).map(([name, count]) => ({ stack: [{ name, file: "", line: 0 }], values: [count] })), timeMs: Date.now(), durationMs: 0 };
}
