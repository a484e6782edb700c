import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { RequestError } from "@coffer/state-machine";
import { extract, pack } from "tar-stream";
import { readSnapshotFile } from "./read.js";
import { sha256 } from "./sums.js";
import { writeSnapshotFile } from "./write.js";

const spoolDirectory = mkdtempSync(join(tmpdir(), "coffer-snapshot-"));
after(() => rmSync(spoolDirectory, { recursive: true }));

/** Descriptors of files in our folder that this process holds open (where /proc tells): spools, though they have no name. */
function openSpools(): string[] {
  if (process.platform !== "linux") return [];
  const folder = "/proc/self/fd";
  return readdirSync(folder).filter((descriptor) => {
    try {
      return readlinkSync(join(folder, descriptor)).startsWith(spoolDirectory);
    } catch {
      return false; // that of the listing itself
    }
  });
}

function assertNothingLeft(): void {
  assert.deepEqual(readdirSync(spoolDirectory), []);
  assert.deepEqual(openSpools(), []);
}

const META = {
  index: 4711,
  term: 7,
  configurationIndex: 12,
  servers: [{ id: "a", address: "a.example:8201", voter: true }, { id: "b", address: "b.example:8201", voter: false }],
};
const SEAL = Buffer.from("sealed by the keys of this cluster");

async function* inPieces(bytes: Uint8Array, size = 1000) {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function written(state: Uint8Array): Promise<Buffer> {
  return buffer(await writeSnapshotFile({ meta: META, state: inPieces(state), seal: () => SEAL, spoolDirectory }));
}

async function contents(file: Uint8Array, pieces = 4096, limit?: number) {
  const snapshot = await readSnapshotFile(Readable.from(inPieces(file, pieces), { objectMode: false }), spoolDirectory, limit);
  try {
    const { meta, stateSize, sums, sealedSums } = snapshot;
    return { meta, stateSize, sums: Buffer.from(sums).toString(), sealed: Buffer.from(sealedSums).toString(), state: await buffer(snapshot.state()) };
  } finally {
    await snapshot.dispose();
  }
}

async function refusal(file: Uint8Array, limit?: number): Promise<string> {
  try {
    await contents(file, 4096, limit);
  } catch (error) {
    assertNothingLeft();
    assert.ok(error instanceof RequestError, String(error));
    assert.equal(error.code, "invalid_request");
    return error.message;
  }
  return assert.fail("it was read");
}

type Members = [name: string, bytes: Buffer][];

async function members(file: Uint8Array): Promise<Members> {
  const found: Members = [];
  const archive = extract();
  archive.end(gunzipSync(file));
  for await (const entry of archive) found.push([entry.header.name, await buffer(entry)]);
  return found;
}

function archived(list: Members): Promise<Buffer> {
  const archive = pack();
  for (const [name, bytes] of list) archive.entry({ name }, bytes);
  archive.finalize();
  return buffer(archive).then((tar) => gzipSync(tar));
}

/** The file with some of its members changed, and sums that are right for what they became. */
async function forged(file: Uint8Array, changes: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const list: Members = (await members(file)).map(([name, bytes]) => [name, changes[name] ?? bytes]);
  const digest = (name: string) => sha256(list.find(([known]) => known === name)![1]);
  const sums = Buffer.from(`${digest("meta.json")}  meta.json\n${digest("state.bin")}  state.bin\n`);
  return archived(list.map(([name, bytes]) => [name, name === "SHA256SUMS" && !changes["SHA256SUMS"] ? sums : bytes]));
}

describe("a snapshot file", () => {
  const state = randomBytes(300_000);

  it("reads back as it was written, in any pieces", async () => {
    const file = await written(state);
    for (const pieces of [100, 4096, file.length]) {
      const read = await contents(file, pieces);
      assert.deepEqual(read.meta, { ...META, id: "7-4711" });
      assert.deepEqual(read.state, state);
      assert.equal(read.stateSize, state.length);
      assert.equal(read.sealed, SEAL.toString());
    }
    assert.deepEqual((await contents(await written(state.subarray(0, 1000)), 1)).state, state.subarray(0, 1000));
    assertNothingLeft();
  });

  it("holds a state of no bytes", async () => {
    assert.equal((await contents(await written(Buffer.alloc(0)))).state.length, 0);
  });

  it("has Vault's members in Vault's order, and Vault's meta.json", async () => {
    const list = await members(await written(state));
    assert.deepEqual(list.map(([name]) => name), ["meta.json", "state.bin", "SHA256SUMS", "SHA256SUMS.sealed"]);
    assert.deepEqual(JSON.parse(list[0]![1].toString()), {
      Version: 1,
      ID: "7-4711",
      Index: 4711,
      Term: 7,
      Peers: null,
      Configuration: { Servers: [{ Suffrage: 0, ID: "a", Address: "a.example:8201" }, { Suffrage: 1, ID: "b", Address: "b.example:8201" }] },
      ConfigurationIndex: 12,
      Size: state.length,
    });
    assert.equal(list[2]![1].toString(), `${sha256(list[0]![1])}  meta.json\n${sha256(state)}  state.bin\n`);
  });

  it("gives the state from its beginning each time", async () => {
    const snapshot = await readSnapshotFile(Readable.from([await written(state)], { objectMode: false }), spoolDirectory);
    for await (const _first of snapshot.state()) break;
    assert.deepEqual(await buffer(snapshot.state()), state);
    await snapshot.dispose();
    await snapshot.dispose();
    await assert.rejects(buffer(snapshot.state()));
    assertNothingLeft();
  });

  it("is read by the CLI", async () => {
    const folder = mkdtempSync(join(tmpdir(), "coffer-inspect-"));
    after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "raft.snap");
    writeFileSync(path, await written(state));
    const bin = fileURLToPath(new URL("../../../cli/bin/coffer.js", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [bin, "operator", "raft", "snapshot", "inspect", "-details=false", "-format=json", path]);
    assert.deepEqual(JSON.parse(stdout), { id: "7-4711", index: 4711, term: 7, version: 1, size: state.length });
  });
});

describe("writing a snapshot file", () => {
  it("spools where only the owner can read", { skip: process.platform !== "linux" }, async () => {
    const modes: number[] = [];
    async function* watching() {
      yield Buffer.alloc(10);
      for (const descriptor of openSpools()) modes.push(statSync(`/proc/self/fd/${descriptor}`).mode & 0o777);
    }
    await buffer(await writeSnapshotFile({ meta: META, state: watching(), seal: () => SEAL, spoolDirectory }));
    assert.deepEqual(modes, [0o600]);
  });

  it("fails with the state, and leaves nothing", async () => {
    async function* broken() {
      yield Buffer.alloc(100);
      throw new Error("the state went away");
    }
    await assert.rejects(writeSnapshotFile({ meta: META, state: broken(), seal: () => SEAL, spoolDirectory }), /the state went away/);
    assertNothingLeft();
  });

  it("leaves nothing when the reader goes away", async () => {
    const stream = await writeSnapshotFile({ meta: META, state: inPieces(randomBytes(3_000_000), 65_536), seal: () => SEAL, spoolDirectory });
    for await (const _first of stream) break;
    // The spool is closed after the stream: a few turns of the event loop later.
    for (let turn = 0; turn < 100 && openSpools().length > 0; turn++) await new Promise((next) => setImmediate(next));
    assertNothingLeft();
  });

  it("refuses a meta.json that could not be read again", async () => {
    const servers = Array.from({ length: 200 }, (_, i) => ({ id: `server-${i}`, address: `server-${i}.example:8201`, voter: true }));
    await assert.rejects(writeSnapshotFile({ meta: { ...META, servers }, state: inPieces(Buffer.alloc(1)), seal: () => SEAL, spoolDirectory }), /meta\.json of a snapshot would have/);
    assertNothingLeft();
  });

  it("says that the disk failed, without its path", async () => {
    const missing = join(spoolDirectory, "missing");
    await assert.rejects(writeSnapshotFile({ meta: META, state: inPieces(Buffer.alloc(1)), seal: () => SEAL, spoolDirectory: missing }), (error: RequestError) => {
      assert.equal(error.code, "internal");
      assert.match(error.message, /ENOENT/);
      assert.ok(!error.message.includes(missing));
      return true;
    });
  });
});

describe("a damaged snapshot file", () => {
  it("is refused or means the same, whichever byte is flipped", async () => {
    const file = await written(randomBytes(1500));
    const original = await contents(file);
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const damaged = Buffer.from(file);
        damaged[at]! ^= bits;
        const read = await contents(damaged).catch((error: unknown) => {
          assert.ok(error instanceof RequestError && error.code === "invalid_request", String(error));
          refused += 1;
          return original;
        });
        assert.deepEqual(read, original);
      }),
      { numRuns: 300 },
    );
    assert.ok(refused > 250, `${refused} refused`);
    assertNothingLeft();
  });

  it("is refused or means the same, whichever byte of the tar inside is flipped", async () => {
    const file = await written(randomBytes(1500));
    const original = await contents(file);
    const tar = gunzipSync(file);
    await fc.assert(
      fc.asyncProperty(fc.nat(tar.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const damaged = Buffer.from(tar);
        damaged[at]! ^= bits;
        const { sealed, ...rest } = await contents(gzipSync(damaged, { level: 0 })).catch((error: unknown) => {
          assert.ok(error instanceof RequestError && error.code === "invalid_request", String(error));
          return original;
        });
        // The sealed sums are the caller's to judge: only its key can.
        assert.equal(sealed.length, original.sealed.length);
        assert.deepEqual({ ...rest, sealed: original.sealed }, original);
      }),
      { numRuns: 300 },
    );
    assertNothingLeft();
  });

  it("is refused wherever it was cut", async () => {
    const file = await written(randomBytes(1500));
    for (let length = 0; length < file.length; length += 7) assert.match(await refusal(file.subarray(0, length)), /cut short|not a sound|has no/);
    assert.equal(await refusal(file.subarray(0, file.length - 1)), "the snapshot file is cut short");
  });

  it("is refused for what comes after its end", async () => {
    const file = await written(Buffer.from("state"));
    for (const garbage of [Buffer.from("x"), Buffer.alloc(600), randomBytes(200_000)]) {
      assert.match(await refusal(Buffer.concat([file, garbage])), /after its end|cut short|not a sound gzip/);
    }
    assert.match(await refusal(gzipSync(Buffer.concat([gunzipSync(file), Buffer.from("x")]))), /not a sound tar/);
  });

  it("is refused when it is no snapshot at all", async () => {
    assert.match(await refusal(Buffer.from("hello")), /not a sound gzip/);
    assert.match(await refusal(Buffer.alloc(0)), /cut short|has no/);
    assert.match(await refusal(gzipSync(randomBytes(2000))), /not a sound tar/);
    assert.match(await refusal(await archived([])), /has no meta\.json/);
  });

  it("is refused when its sender goes away", async () => {
    const file = await written(randomBytes(100_000));
    async function* aborted() {
      yield file.subarray(0, 50_000);
      throw Object.assign(new Error("aborted"), { code: "ECONNRESET" });
    }
    await assert.rejects(readSnapshotFile(Readable.from(aborted(), { objectMode: false }), spoolDirectory), /could not be read to its end/);
    assertNothingLeft();
  });

  it("is refused at once, without destroying the stream it came on, while its sender has more to say", async () => {
    const list = await members(await written(Buffer.from("state")));
    for (const bad of [gzipSync(randomBytes(2000)), Buffer.from("not gzip at all"), await archived([["other", Buffer.from("x")], ...list])]) {
      const source = new Readable({ read: () => undefined });
      source.push(bad);
      await assert.rejects(readSnapshotFile(source, spoolDirectory), RequestError);
      assert.equal(source.destroyed, false);
      source.destroy();
    }
    assertNothingLeft();
  });
});

describe("a forged snapshot file", () => {
  const meta = (change: Readonly<Record<string, unknown>>) => Buffer.from(JSON.stringify({ Version: 1, ID: "x", Index: 1, Term: 1, Peers: null, Configuration: { Servers: [] }, ConfigurationIndex: 1, Size: 5, ...change }));

  it("is read when nothing in it is wrong", async () => {
    assert.deepEqual((await contents(await forged(await written(Buffer.from("state")), { "meta.json": meta({ Peers: "kA==" }) }))).meta, { id: "x", index: 1, term: 1, configurationIndex: 1, servers: [] });
  });

  it("is refused for each missing member", async () => {
    const list = await members(await written(Buffer.from("state")));
    for (const [missing] of list) assert.equal(await refusal(await archived(list.filter(([name]) => name !== missing))), `the snapshot file has no ${missing}`);
  });

  it("is refused for a member too many", async () => {
    const list = await members(await written(Buffer.from("state")));
    for (const member of list) assert.equal(await refusal(await archived([...list, member])), `the snapshot file has ${member[0]} twice`);
    assert.equal(await refusal(await archived([...list, ["../../etc/passwd", Buffer.from("x")]])), 'unexpected member "../../etc/passwd" in the snapshot file');
  });

  it("is refused for a link or a folder under a member's name", async () => {
    for (const type of ["symlink", "directory"] as const) {
      const archive = pack();
      archive.entry({ name: "state.bin", type, linkname: "/etc/passwd" });
      archive.finalize();
      assert.match(await refusal(gzipSync(await buffer(archive))), /unexpected member "state\.bin/);
    }
  });

  it("is refused when meta.json or the sums are too large or empty", async () => {
    const file = await written(Buffer.from("state"));
    for (const name of ["meta.json", "SHA256SUMS", "SHA256SUMS.sealed"]) {
      assert.equal(await refusal(await forged(file, { [name]: Buffer.alloc(8193, 0x20) })), `the snapshot's ${name} is larger than allowed`);
      assert.match(await refusal(await forged(file, { [name]: Buffer.alloc(0) })), /not JSON|malformed|is empty/);
    }
  });

  it("is refused when the state or meta.json is another than the sums say", async () => {
    const list = await members(await written(Buffer.from("state")));
    for (const changed of ["meta.json", "state.bin"]) {
      const bad = await archived(list.map(([name, bytes]) => [name, name === changed ? Buffer.from(`${bytes.toString()} `) : bytes]));
      assert.equal(await refusal(bad), `the snapshot's ${changed} does not match its checksum`);
    }
  });

  it("is refused when the sums leave something out, name something else, or are not sums", async () => {
    const file = await written(Buffer.from("state"));
    const [first = "", second = ""] = (await members(file))[2]![1].toString().split("\n");
    const cases: [string, RegExp][] = [
      [`${first}\n`, /does not cover state\.bin/],
      [`${second}\n`, /does not cover meta\.json/],
      [`${first}\n${second}\n${first}\n`, /malformed/],
      [`${first}\n${second}\n${"0".repeat(64)}  other\n`, /names "other"/],
      [`${first}\n${second.toUpperCase()}\n`, /malformed/],
      [`${first}\n\n${second}\n`, /malformed/],
      ["", /malformed/],
    ];
    for (const [sums, expected] of cases) assert.match(await refusal(await forged(file, { SHA256SUMS: Buffer.from(sums) })), expected);
  });

  it("is refused for a meta.json of another kind", async () => {
    const file = await written(Buffer.from("state"));
    const cases: [Buffer, RegExp][] = [
      [meta({ Size: 6 }), /Size is 6, but state\.bin has 5 bytes/],
      [meta({ Version: 0 }), /Version is 0, not 1/],
      [meta({ Index: -1 }), /Index is not a count/],
      [meta({ Term: "1" }), /Term is not a count/],
      [meta({ ConfigurationIndex: 2 ** 53 }), /ConfigurationIndex is not a count/],
      [meta({ ID: null }), /ID is not a string/],
      [meta({ Configuration: null }), /Configuration is not an object/],
      [meta({ Configuration: { Servers: {} } }), /Servers is not a list/],
      [meta({ Configuration: { Servers: [{ Suffrage: 2, ID: "a", Address: "b" }] } }), /Suffrage is 2/],
      [Buffer.from("[]"), /not an object/],
      [Buffer.from("{"), /not JSON/],
      [Buffer.from([0x22, 0xff, 0x22]), /not JSON/],
    ];
    for (const [bytes, expected] of cases) assert.match(await refusal(await forged(file, { "meta.json": bytes })), expected);
  });

  it("is refused when its state inflates beyond the limit", async () => {
    const bomb = await written(Buffer.alloc(5_000_000));
    assert.ok(bomb.length < 50_000);
    assert.equal(await refusal(bomb, 4_999_999), "the snapshot's state.bin is larger than allowed");
    assert.equal((await contents(bomb, 4096, 5_000_000)).stateSize, 5_000_000);
  });

  it("is refused when it inflates to more than its members need", async () => {
    assert.equal(await refusal(gzipSync(Buffer.alloc(5_000_000)), 1_000_000), "the snapshot file is larger than allowed");
  });

  it("is never trusted, whatever members it has", async () => {
    const name = fc.oneof(fc.constantFrom("meta.json", "state.bin", "SHA256SUMS", "SHA256SUMS.sealed", "./meta.json", "META.JSON"), fc.string({ minLength: 1, maxLength: 20 }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, fc.uint8Array({ maxLength: 200 })), { maxLength: 6 }), async (list) => {
        await refusal(await archived(list.map(([member, bytes]) => [member, Buffer.from(bytes)])));
      }),
      { numRuns: 200 },
    );
  });
});
