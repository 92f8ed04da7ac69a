import { parseArgs } from 'node:util';
import { cutDifferenceText, findCutDifferences } from '../federation/kit/cut-differences.ts';
import { compiling } from '../kit/compiled.ts';
import { askExecutor, askHub, differenceText, findDifferences, plainly } from '../kit/differential.ts';
import { startSandboxHub } from '../kit/sandbox-hub.ts';

/*
 * A million random documents, asked of the sandbox's hub over HTTP and of graphql-js: data, order of keys, errors, status.
 *
 *   npm run experiment:differential [-- --federated] [--count <n>] [--seed <n>] [--control]
 *
 * Document n of a run is that of seed + n: what a run was ended at, the next one begins with. `--control` puts a compiler of
 * operations in the place of the hub, for a minute: it must be found out.
 *
 * `--federated`: graphs cut into subgraphs at random (2000 of them, 20 documents each) and the engine that plans, against graphql-js on the
 * whole schema. Its control plans required values as they stand in the SDL.
 */
const { values } = parseArgs({
  options: {
    federated: { type: 'boolean', default: false },
    count: { type: 'string' },
    seed: { type: 'string', default: '1' },
    control: { type: 'boolean', default: false },
  },
});
const count = Number(values.count ?? (values.federated ? 2000 : 1_000_000));
const first = Number(values.seed);
const mostFound = 10;

const began = Date.now();
const seconds = () => (Date.now() - began) / 1000;
const say = (text: string) => console.log(text);

/** Differences found in what the hub answers itself. */
async function wholeGraph(): Promise<number> {
  const sandbox = await startSandboxHub();
  const expected = await askExecutor(sandbox, plainly);
  const subject = values.control ? await askExecutor(sandbox, compiling()) : await askHub(sandbox);
  say(`${values.control ? 'Control: a compiler' : 'The hub'} against graphql-js, ${count} documents from seed ${first} on`);
  const told = { asked: 0, limited: 0, skipped: 0, found: 0 };
  const step = values.control ? 100 : 1000;
  for (let seed = first; seed < first + count && told.found < mostFound && !(values.control && seconds() > 60); seed += step) {
    const part = await findDifferences({ sandbox, expected, subject, seed, count: Math.min(step, first + count - seed) });
    told.asked += part.asked;
    told.limited += part.limited;
    told.skipped += part.skipped;
    told.found += part.found.length;
    for (const one of part.found) say(`\n${differenceText(one)}\n`);
    say(
      `${told.asked} asked, ${told.found} differ, ${told.limited} over the limits, ${told.skipped} where a city did not answer, ${seconds().toFixed(0)} s; go on with --seed ${seed + part.asked}`,
    );
  }
  await sandbox.close();
  if (told.skipped > told.asked / 100) throw new Error('More than one document in a hundred was not compared');
  return told.found;
}

/** Differences found between graphs in parts and the same as a whole. */
async function graphsInParts(): Promise<number> {
  say(
    `${values.control ? 'Control: required values as they stand' : 'The engine that plans'} against graphql-js, ${count} cuts from ${first} on`,
  );
  const told = { cuts: 0, uncomposed: 0, asked: 0, failing: 0, planless: 0, found: 0 };
  const step = 20;
  for (let seed = first; seed < first + count && told.found < mostFound && !(values.control && seconds() > 60); seed += step) {
    const { found, ...part } = await findCutDifferences(
      { seed, count: Math.min(step, first + count - seed), documents: 20 },
      { areValuesSeparated: !values.control },
    );
    for (const key of ['cuts', 'uncomposed', 'asked', 'failing', 'planless'] as const) told[key] += part[key];
    told.found += found.length;
    for (const one of found) say(`\n${cutDifferenceText(one)}\n`);
    const share = ((100 * told.planless) / Math.max(1, told.asked)).toFixed(2);
    say(
      `${told.cuts} cuts (${told.uncomposed} do not compose), ${told.asked} asked (${told.failing} with errors), ${told.found} differ, ${told.planless} without a plan (${share} %), ${seconds().toFixed(0)} s; go on with --seed ${seed + part.cuts}`,
    );
  }
  return told.found;
}

const found = await (values.federated ? graphsInParts() : wholeGraph());
process.exit(found > 0 === values.control ? 0 : 1);
