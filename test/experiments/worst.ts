import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { searchWorst, type Meter } from '../kit/worst.ts';

/*
 * What is the most that one question of anybody may cost? Changes questions a little again and again and keeps what costs more: hub CPU and
 * bytes of the answer, asked of a hub in a process of its own. Fails over 50 ms of CPU, as on the machine of RESULTS.md at rest, or over 1 MB. As a
 * control the limit on the cost of an operation is taken away: the search must then find more, or it proves nothing.
 *
 *   node test/experiments/worst.ts [--minutes 10] [--seed 1]
 *
 * A tenth of the time is the control's.
 */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } } });
const ms = Number(values.minutes) * 60_000;
const seed = Number(values.seed);
const most = { cpuMs: 50, bytes: 1_000_000 };

async function search(without: string, forMs: number) {
  const child = fork(new URL('worst-hub.ts', import.meta.url), [without]);
  const [url] = (await once(child, 'message')) as [string];
  const ask = async (what: 'cpu' | 'slowness'): Promise<number> => {
    child.send(what);
    return ((await once(child, 'message')) as [number])[0];
  };
  const meter: Meter = { cpu: () => ask('cpu'), slowness: () => ask('slowness') };
  try {
    return await searchWorst(url, {
      seed,
      ms: forMs,
      meter,
      onFound: ({ price }, asked) => console.log(`  after ${asked} questions: ${price.cpuMs.toFixed(1)} ms, ${price.bytes} bytes`),
    });
  } finally {
    child.send('end');
    await once(child, 'exit');
  }
}

console.log(`With all limits, seed ${seed}:`);
const held = await search('', ms * 0.9);
console.log(
  `  ${held.asked} questions; most CPU ${held.slowest.price.cpuMs.toFixed(1)} ms, longest answer ${held.longest.price.bytes} bytes`,
);
console.log('Control, without the limit on cost:');
const control = await search('values', ms * 0.1);
console.log(
  `  ${control.asked} questions; most CPU ${control.slowest.price.cpuMs.toFixed(1)} ms, longest answer ${control.longest.price.bytes} bytes`,
);

const failures = [
  ...(held.slowest.price.cpuMs > most.cpuMs ? [`more than ${most.cpuMs} ms: ${held.slowest.query}`] : []),
  ...(held.longest.price.bytes > most.bytes ? [`more than ${most.bytes} bytes: ${held.longest.query}`] : []),
  ...(control.slowest.price.cpuMs <= most.cpuMs && control.longest.price.bytes <= most.bytes ? ['the control found nothing'] : []),
];
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
