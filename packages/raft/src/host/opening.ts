import { encodeConfiguration } from "../core/configuration.js";
import type { Configuration, LogIndex, SnapshotMeta, Term } from "../core/types.js";
import { DamagedLogError } from "../log/record.js";
import { openDurableLog } from "../log/durable-log.js";
import type { DurableLog } from "../log/durable-log.js";
import type { RaftLogger, RaftOptions, StateMachine } from "./api.js";
import { readAppliedConfigurations } from "./applied-configurations.js";
import { recoverFromPeers, standAlone } from "./recovery.js";
import { settingsOf } from "./settings.js";

/** Opens the log of a member, begins it where a new cluster is asked for, and makes it agree with the state. */
export async function openMemberLog(directory: string, options: RaftOptions, machine: StateMachine, logger: RaftLogger): Promise<DurableLog> {
  return prepareLog(() => openDurableLog(directory), options, machine, logger, (log) => changeServers(log, options, logger));
}

/** `recover` may change the log further; true when it did. */
export async function prepareLog(open: () => Promise<DurableLog>, options: Pick<RaftOptions, "id" | "bootstrap" | "maxEntriesBytesPerMessage">, machine: StateMachine, logger: RaftLogger, recover: (log: DurableLog) => Promise<boolean>): Promise<DurableLog> {
  let log = await open();
  try {
    if (options.bootstrap && log.lastIndex() === 0) {
      const configuration = { servers: [{ id: options.id, address: options.bootstrap.address, voter: true }] };
      await log.write({ hardState: { term: 1, vote: options.id, commit: 1 }, entries: [{ index: 1, term: 1, kind: "config", data: encodeConfiguration(configuration) }] });
      await log.close();
      log = await open();
    }
    // Each vote and term is written before the entries that follow it: without it, it is not known for whom this server voted.
    const lastTerm = log.term(log.lastIndex());
    if (lastTerm !== undefined && lastTerm > log.hardState.term) throw new DamagedLogError(`the hard state is of term ${log.hardState.term}, the last entry of term ${lastTerm}`);
    const adopted = snapshotToAdopt(log, machine.appliedIndex(), machine.appliedTerm());
    if (adopted) await log.reset(adopted);
    await applyAgain(log, machine, settingsOf(options as RaftOptions).maxEntriesBytesPerMessage, logger);
    if (!(await recover(log))) return log;
    // The hard state is read as it is opened.
    await log.close();
    return await open();
  } catch (error) {
    await log.close();
    throw error;
  }
}

/**
 * Applies again what a loss of power may have taken from the state. All of it was applied before: so it is committed, and as only what
 * is durable here is applied, the log has it. `pieceBytes`: of entries at a time.
 */
async function applyAgain(log: DurableLog, machine: StateMachine, pieceBytes: number, logger: RaftLogger): Promise<void> {
  const { index: last, term } = machine.reached();
  const begin = machine.appliedIndex();
  if (last <= begin) return;
  if (log.term(last) !== term) throw new DamagedLogError(`the state has effects of entry ${last} of term ${term}, the log's is of term ${log.term(last)}`);
  while (machine.appliedIndex() < last) await machine.apply(log.entries(machine.appliedIndex() + 1, last + 1, pieceBytes)!);
  await machine.flush();
  logger.log("info", "the machine has started anew: applied again what it may have lost of the state", { from: begin + 1, to: last });
}

/**
 * For whoever reads a state without a member: makes it whole by the log in this folder, which nobody else may have open. Throws
 * DamagedLogError.
 */
export async function completeState(directory: string, machine: StateMachine, logger: RaftLogger): Promise<void> {
  const log = await prepareLog(() => openDurableLog(directory), { id: "" }, machine, logger, async () => false);
  await log.close();
}

/** The servers that a log in this folder names last, committed or not. Only while nobody else has it open. Throws DamagedLogError. */
export async function readMembers(directory: string): Promise<Configuration> {
  const log = await openDurableLog(directory);
  try {
    const last = log.lastIndex();
    return readAppliedConfigurations(log, last).at(last).configuration;
  } finally {
    await log.close();
  }
}

/** As an operator asks for by a file, or by recovery mode. True where the log has other servers now. */
function changeServers(log: DurableLog, { id, directory, alone, transport }: RaftOptions, logger: RaftLogger): Promise<boolean> {
  if (!alone) return recoverFromPeers(log, directory, id, logger);
  const last = log.lastIndex();
  return standAlone(log, directory, { id, address: transport.advertise, voter: true }, readAppliedConfigurations(log, last).at(last).configuration, logger);
}

/**
 * The snapshot that the log has yet to begin after. The last applied entry must stand in the log. A crash may fall between the install of a snapshot and the log's knowing of
 * it; anything else that disagrees is damage. An announcement alone proves nothing: its install may have failed, and the state
 * come there by the log.
 */
export function snapshotToAdopt(log: Pick<DurableLog, "term" | "expected" | "lastIndex" | "compaction">, index: LogIndex, term: Term): SnapshotMeta | undefined {
  if (log.term(index) === term) return undefined;
  if (log.expected?.index === index && log.expected.term === term) return log.expected;
  if (index > log.lastIndex()) throw new DamagedLogError(`the state reaches entry ${index}, the log ends at ${log.lastIndex()}`);
  if (index < log.compaction.index) throw new DamagedLogError(`the state ends at entry ${index}, the log begins after ${log.compaction.index}`);
  throw new DamagedLogError(`the state's entry ${index} is of term ${term}, the log's of term ${log.term(index)}`);
}
