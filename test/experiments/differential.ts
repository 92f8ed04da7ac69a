import { parseArgs } from 'node:util';
import { compiling } from '../kit/compiled.ts';
import { askExecutor, askHub, differenceText, findDifferences, plainly } from '../kit/differential.ts';
import { startSandboxHub } from '../kit/sandbox-hub.ts';

/*
 * A million random documents, asked of the sandbox's hub over HTTP and of graphql-js: data, order of keys, errors, status.
 *
 *   npm run experiment:differential [-- --count <n>] [--seed <n>] [--control]
 *
 * Document n of a run is that of seed + n: what a run was ended at, the next one begins with. `--control` puts a compiler of
 * operations in the place of the hub, for a minute: it must be found out.
 */
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    control: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
const first = Number(values.seed);
const mostFound = 10;

const sandbox = await startSandboxHub();
const expected = await askExecutor(sandbox, plainly);
const subject = values.control ? await askExecutor(sandbox, compiling()) : await askHub(sandbox);
const began = Date.now();
const seconds = () => (Date.now() - began) / 1000;
const say = (text: string) => console.log(text);

say(`${values.control ? 'Control: a compiler' : 'The hub'} against graphql-js, ${count} documents from seed ${first} on`);
const told = { asked: 0, limited: 0, found: 0 };
const step = values.control ? 100 : 1000;
for (let seed = first; seed < first + count && told.found < mostFound && !(values.control && seconds() > 60); seed += step) {
  const part = await findDifferences({ sandbox, expected, subject, seed, count: Math.min(step, first + count - seed) });
  told.asked += part.asked;
  told.limited += part.limited;
  told.found += part.found.length;
  for (const one of part.found) say(`\n${differenceText(one)}\n`);
  say(
    `${told.asked} asked, ${told.found} differ, ${told.limited} over the limits, ${seconds().toFixed(0)} s; go on with --seed ${seed + part.asked}`,
  );
}
await sandbox.close();
process.exitCode = told.found > 0 === values.control ? 0 : 1;
