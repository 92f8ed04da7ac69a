import { parseArgs } from 'node:util';
import { startChild } from '../kit/child.ts';
import { climb } from '../kit/climb.ts';
import { limits } from '../kit/limits.ts';
import { most, questions, type Aim, type Meter, type QuestionWeight } from '../kit/worst.ts';

/*
 * What is the most that one question of anybody may cost? Changes questions a little again and again and keeps what costs more: hub CPU and
 * bytes of the answer, asked of a hub in a process of its own. Fails over 50 ms of CPU, as on the machine of RESULTS.md at rest, or over 1 MB.
 *
 *   npm run experiment:worst [-- --minutes 10] [--seed 1] [--controls all|<limit>,…] [--control-seconds 30]
 *
 * As a control, limits are taken away one by one (`test/kit/limits.ts`; the limit on cost alone if nothing is said): the search must then find
 * what is over, or it proves nothing. Where others hold in its place, the limit is listed with them, and the search is to find nothing.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    controls: { type: 'string', default: 'cost' },
    'control-seconds': { type: 'string', default: '30' },
  },
});
const seed = Number(values.seed);
const controls = values.controls === 'all' ? Object.keys(limits) : values.controls.split(',').filter(Boolean);

async function search(without: readonly string[], aim: Aim, ms: number, enough: number) {
  const child = await startChild(new URL('worst-hub.ts', import.meta.url), without);
  const meter: Meter = { cpu: () => child.ask('cpu'), slowness: () => child.ask('slowness') };
  try {
    const { worst, tried } = await climb(questions(child.said as string, seed, aim, meter), {
      ms,
      enough,
      onWorse({ weight: { price } }, asked) {
        if (enough === Infinity) console.log(`  after ${asked} questions: ${price.cpuMs.toFixed(1)} ms, ${price.bytes} bytes`);
      },
    });
    return { worst: worst.weight, tried };
  } finally {
    await child.end();
  }
}

const textOf = ({ question }: QuestionWeight): string => {
  const text = JSON.stringify(question);
  return text.length > 2000 ? `${text.slice(0, 2000)}… (${text.length} characters)` : text;
};
const priceText = ({ price }: QuestionWeight): string => `${price.cpuMs.toFixed(1)} ms, ${price.bytes} bytes`;

const failures: string[] = [];
if (Number(values.minutes) > 0)
  for (const [aim, share] of [
    ['cpu', 0.8],
    ['bytes', 0.2],
  ] as const) {
    console.log(`With all limits, for ${aim}, seed ${seed}:`);
    const { worst, tried } = await search([], aim, Number(values.minutes) * 60_000 * share, Infinity);
    console.log(`  the worst of ${tried} questions: ${priceText(worst)}\n  ${textOf(worst)}`);
    if (worst.badness > 1) failures.push(`more than ${most.cpuMs} ms or ${most.bytes} bytes: ${textOf(worst)}`);
  }
for (const name of controls) {
  const told: string[] = [];
  let isFound = false;
  for (const aim of ['cpu', 'bytes'] as const) {
    if (isFound) break;
    const { worst, tried } = await search([name], aim, Number(values['control-seconds']) * 1000, 1);
    isFound = worst.badness > 1;
    told.push(`${priceText(worst)} after ${tried} questions${isFound ? `\n  ${textOf(worst).slice(0, 300)}` : ''}`);
  }
  const also = limits[name]?.alsoHeldBy;
  const verdict = isFound ? 'found' : also === undefined ? 'NOT FOUND' : `held by ${also}`;
  console.log(`Without the limit "${name}": ${verdict}; ${told.join('; ')}`);
  if (!isFound && also === undefined) failures.push(`the control without "${name}" found nothing`);
}
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
