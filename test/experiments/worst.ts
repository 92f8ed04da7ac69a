import { parseArgs } from 'node:util';
import { startChild } from '../kit/child.ts';
import { climb } from '../kit/climb.ts';
import { limits } from '../kit/limits.ts';
import { most, questions, type Meter, type QuestionWeight } from '../kit/worst.ts';

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

async function search(without: readonly string[], ms: number, enough: number) {
  const child = await startChild(new URL('worst-hub.ts', import.meta.url), without);
  const meter: Meter = { cpu: () => child.ask('cpu'), slowness: () => child.ask('slowness') };
  const subject = questions(child.said as string, seed, meter);
  let longest = 0;
  let slowest = 0;
  try {
    const noted: typeof subject = {
      ...subject,
      async weigh(draft, surely) {
        const weight = await subject.weigh(draft, surely);
        longest = Math.max(longest, weight.price.bytes);
        if (surely) slowest = Math.max(slowest, weight.price.cpuMs);
        return weight;
      },
    };
    const { worst, tried } = await climb(noted, {
      ms,
      enough,
      onWorse({ weight: { price } }, asked) {
        if (enough === Infinity) console.log(`  after ${asked} questions: ${price.cpuMs.toFixed(1)} ms, ${price.bytes} bytes`);
      },
    });
    return { worst: worst.weight, tried, longest, slowest };
  } finally {
    await child.end();
  }
}

const textOf = ({ question }: QuestionWeight): string => {
  const text = JSON.stringify(question);
  return text.length > 2000 ? `${text.slice(0, 2000)}… (${text.length} characters)` : text;
};

const failures: string[] = [];
if (Number(values.minutes) > 0) {
  console.log(`With all limits, seed ${seed}:`);
  const { worst, tried, longest, slowest } = await search([], Number(values.minutes) * 60_000, Infinity);
  console.log(`  ${tried} questions; most CPU ${slowest.toFixed(1)} ms, longest answer ${longest} bytes`);
  console.log(`  the worst: ${textOf(worst)}`);
  if (worst.badness > 1) failures.push(`more than ${most.cpuMs} ms or ${most.bytes} bytes: ${textOf(worst)}`);
}
for (const name of controls) {
  const { worst, tried } = await search([name], Number(values['control-seconds']) * 1000, 1);
  const { cpuMs, bytes } = worst.price;
  const also = limits[name]?.alsoHeldBy;
  const isFound = worst.badness > 1;
  const verdict = isFound ? 'found' : also === undefined ? 'NOT FOUND' : `held by ${also}`;
  console.log(`Without the limit "${name}": ${verdict} after ${tried} questions, ${cpuMs.toFixed(1)} ms, ${bytes} bytes`);
  if (isFound) console.log(`  ${textOf(worst).slice(0, 300)}`);
  if (!isFound && also === undefined) failures.push(`the control without "${name}" found nothing`);
}
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
