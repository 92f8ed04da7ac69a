import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { startChild } from '../kit/child.ts';
import type { Part, PartFindings } from './differential-worker.ts';

/*
 * A million random documents, asked of the sandbox's hub over HTTP and of graphql-js: data, order of keys, errors, status.
 *
 *   npm run experiment:differential [-- --federated] [--count <n>] [--seed <n>] [--minutes <n>] [--processes <n>] [--control]
 *
 * Document n of a run is that of seed + n: what a run was ended at, the next one begins with. Each process has a hub of its own.
 * `--control` puts a compiler of operations in the place of the hub, for a minute: it must be found out.
 *
 * `--federated`: graphs cut into subgraphs at random (2000 of them, 20 documents each) and the engine that plans, against graphql-js on the
 * whole schema. Its control plans required values as they stand in the SDL.
 */
const { values } = parseArgs({
  options: {
    federated: { type: 'boolean', default: false },
    count: { type: 'string' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: 'Infinity' },
    processes: { type: 'string', default: String(availableParallelism()) },
    control: { type: 'boolean', default: false },
  },
});
const { federated, control } = values;
const count = Number(values.count ?? (federated ? 2000 : 1_000_000));
const first = Number(values.seed);
const mostMs = control ? 60_000 : Number(values.minutes) * 60_000;
/** A control is over with the first. */
const mostFound = control ? 1 : 10;
const step = federated ? 20 : control ? 100 : 1000;

const began = Date.now();
const say = (text: string) => console.log(text);
const subject = federated
  ? control
    ? 'Control: required values as they stand in the SDL'
    : 'The engine that plans'
  : control
    ? 'Control: a compiler of operations'
    : 'The hub';
say(`${subject} against graphql-js, ${count} ${federated ? 'cuts' : 'documents'} from seed ${first} on, ${values.processes} processes`);

const totals: Record<string, number> = {};
let found = 0;
let usedMs = 0;
let next = first;
/** Beginnings of what is being compared. */
const underway = new Set<number>();

const isOver = (): boolean => next >= first + count || found >= mostFound || Date.now() - began > mostMs;

function tell({ seed }: Part, { counts, differences, cpuMs }: PartFindings): void {
  usedMs += cpuMs;
  underway.delete(seed);
  for (const [name, number] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + number;
  found += differences.length;
  // Some answers hold a schema.
  for (const one of differences) say(`\n${one.replaceAll(/^(.{3000}).+/gm, '$1…')}\n`);
  const told = Object.entries(totals).map(([name, number]) => `${number} ${name}`);
  const seconds = ((Date.now() - began) / 1000).toFixed(0);
  const each = (usedMs / Math.max(1, totals['asked'] ?? 0)).toFixed(1);
  say(`${told.join(', ')}, ${found} differ, ${seconds} s, ${each} ms of CPU each; go on with --seed ${Math.min(next, ...underway)}`);
}

async function run(): Promise<void> {
  const args = [federated ? 'federated' : 'whole', ...(control ? ['control'] : [])];
  // Most of what is made lives for one document: with room for many, hardly anything is copied.
  const worker = await startChild(new URL('differential-worker.ts', import.meta.url), args, ['--max-semi-space-size=64']);
  while (!isOver()) {
    const part: Part = { seed: next, count: Math.min(step, first + count - next) };
    underway.add(part.seed);
    next += part.count;
    tell(part, await worker.ask<PartFindings>({ ...part }));
  }
  await worker.end();
}

await Promise.all(Array.from({ length: Number(values.processes) }, run));
const notCompared = (totals['skipped'] ?? 0) + (totals['limited'] ?? 0);
if (notCompared > (totals['asked'] ?? 0) / 100) say('More than one document in a hundred was not compared');
process.exitCode = found > 0 === control && notCompared <= (totals['asked'] ?? 0) / 100 ? 0 : 1;
