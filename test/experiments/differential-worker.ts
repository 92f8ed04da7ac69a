import { cutDifferenceText, findCutDifferences } from '../federation/kit/cut-differences.ts';
import { compiling } from '../kit/compiled.ts';
import { askExecutor, askHub, differenceText, findDifferences, plainly } from '../kit/differential.ts';
import { startSandboxHub } from '../kit/sandbox-hub.ts';

/*
 * One process of the differential experiment: is given seeds, says what it found. The hub that it asks runs in it too.
 *
 *   node differential-worker.ts whole|federated [control]
 */

/** Seeds to be compared. */
export interface Part {
  readonly seed: number;
  readonly count: number;
}

/** What came of them. */
export interface PartFindings {
  /** By what is counted. */
  readonly counts: Readonly<Record<string, number>>;
  /** As a person reads them. */
  readonly differences: readonly string[];
  /** CPU of the process for it, in milliseconds, that of the hub in it too. */
  readonly cpuMs: number;
}

// Errors are compared by their messages: to keep where each was made costs more than to make it.
Error.stackTraceLimit = 0;

type Compare = (part: Part) => Promise<Omit<PartFindings, 'cpuMs'>>;

const [graph, as] = process.argv.slice(2);
const isControl = as === 'control';

/** What the hub answers itself. */
async function wholeGraph(): Promise<Compare> {
  const sandbox = await startSandboxHub();
  const expected = await askExecutor(sandbox, plainly);
  const subject = isControl ? await askExecutor(sandbox, compiling()) : await askHub(sandbox);
  return async (part) => {
    const { found, ...counts } = await findDifferences({ sandbox, expected, subject, ...part });
    return { counts, differences: found.map(differenceText) };
  };
}

/** Graphs in parts and the same as a whole. */
async function graphInParts(part: Part): ReturnType<Compare> {
  const { found, ...counts } = await findCutDifferences({ ...part, documents: 20 }, { areValuesSeparated: !isControl });
  return { counts, differences: found.map(cutDifferenceText) };
}

const compare = graph === 'federated' ? graphInParts : await wholeGraph();

async function answer(part: Part): Promise<PartFindings> {
  const before = process.cpuUsage();
  const found = await compare(part);
  const { user, system } = process.cpuUsage(before);
  return { ...found, cpuMs: (user + system) / 1000 };
}

process.on('message', (part: Part) => void answer(part).then((found) => process.send?.(found)));
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
