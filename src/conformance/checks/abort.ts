import { setTimeout as sleep } from 'node:timers/promises';
import { fail, pass, unverified, type Check, type Opened } from '../check.ts';
import { arrangements, type Trial } from './operations.ts';

/** How long a call may go on after its signal aborted, in milliseconds. */
const GRACE_MS = 250;
const DEADLINE_MS = 20_000;

export const abortWithin: Check = {
  id: 'abort.within-250ms',
  level: 'MUST',
  title: 'Every call ends within 250 ms after its signal aborts.',
  remedy: 'pass call.signal to host.fetch and to every other wait, and end own sockets with it',
  async run(bench) {
    const opened = await bench.open();
    const late: string[] = [];
    const silent: string[] = [];
    for (const operation of await arrangements(bench, opened)) {
      await opened.fault(null);
      const trial = await operation.arrange();
      await opened.fault({ name: 'timeout' });
      const found = await abortMidway(opened, trial);
      if (found === 'late') late.push(operation.name);
      if (found === 'silent') silent.push(operation.name);
    }
    if (late.length > 0) return fail(`an end within ${GRACE_MS} ms`, `${late.join(', ')} went on`, abortWithin.remedy);
    if (silent.length > 0)
      return unverified(
        `${silent.join(', ')} asked its back office nothing`,
        'let the call ask the back office, so that it can be seen to end',
      );
    return pass;
  },
};

/** Aborts once the back office was asked and keeps silent. */
async function abortMidway(opened: Opened, trial: Trial): Promise<'ended' | 'late' | 'silent'> {
  const abort = new AbortController();
  const running = trial.run({ signal: abort.signal, deadlineMs: DEADLINE_MS }).then(
    () => true,
    () => true,
  );
  let asked = false;
  for (let waited = 0; !asked && waited < 100; waited++) {
    await sleep(10);
    asked = opened.exchanges().length > 0;
  }
  abort.abort();
  const ended = await Promise.race([running, sleep(GRACE_MS, false)]);
  if (!ended) return 'late';
  return asked ? 'ended' : 'silent';
}
