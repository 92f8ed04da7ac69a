import { setTimeout as sleep } from 'node:timers/promises';
import { fail, NoEnd, pass, unverified, type Bench, type Check, type Opened } from '../check.ts';
import { arrangements, drain } from './operations.ts';

const healthy = async (opened: Opened): Promise<boolean> => (await opened.read((adapter, call) => adapter.check(call))).ok;

const startStop: Check = {
  id: 'life.start-stop',
  level: 'MUST',
  title: 'The adapter starts, answers, and stops.',
  remedy: 'let start and stop resolve; what start cannot reach is told by check and by calls, not by a start that fails for good',
  async run({ open }) {
    const opened = await open();
    if (!(await healthy(opened))) return fail('a healthy adapter after start', 'check says it is not', startStop.remedy);
    await opened.stop();
    return pass;
  },
};

const stopTwice: Check = {
  id: 'life.stop-twice',
  level: 'MUST',
  title: 'Stopping a second time, or without a start, does nothing and fails not.',
  remedy: 'make stop idempotent: let go of what is held, if it is held',
  async run({ open }) {
    const opened = await open();
    await opened.stop();
    await opened.stop();
    const never = await open({ start: false });
    await never.stop();
    return pass;
  },
};

/** How long sockets may take to close after stop, in milliseconds. */
const SETTLE_MS = 1_500;

const noLeaks: Check = {
  id: 'life.no-leaks',
  level: 'MUST',
  title: 'After stop the adapter holds no timer, no socket, no file and no process.',
  remedy: 'clear intervals and end connections in stop; wait for what was begun',
  async run(bench) {
    const opened = await bench.open();
    for (const operation of await arrangements(bench, opened)) {
      const trial = await operation.arrange();
      await trial.run().catch(() => {});
    }
    await opened.stop();
    const until = performance.now() + SETTLE_MS;
    while (opened.leftovers().length > 0 && performance.now() < until) await sleep(25);
    const left = [...new Set(opened.leftovers())];
    return left.length === 0 ? pass : fail('nothing left', left.slice(0, 5).join('; '), noLeaks.remedy);
  },
};

const restart: Check = {
  id: 'life.restart',
  level: 'MUST',
  title: 'A new adapter works after another one of the same kind was stopped, and two work side by side.',
  remedy: 'keep connections and memory in what create returns, never in the module: one adapter must not end those of another city',
  async run({ open }) {
    const first = await open();
    const second = await open();
    if (!(await healthy(first))) return fail('two healthy adapters', 'the first is not', restart.remedy);
    await first.stop();
    if (!(await healthy(second))) return fail('the second to work when the first was stopped', 'it does not', restart.remedy);
    await second.stop();
    const third = await open();
    return (await healthy(third)) ? pass : fail('a new one to work after all were stopped', 'it does not', restart.remedy);
  },
};

const stopUnblocksPull: Check = {
  id: 'life.stop-unblocks-pull',
  level: 'MUST',
  title: 'Stopping ends a pull that waits for the back office.',
  remedy: 'end own sockets in stop, and let pull end when they break',
  port: 'changes',
  async run(bench: Bench) {
    const opened = await bench.open();
    await opened.fault({ name: 'timeout' });
    const ended = opened
      .read((adapter, call) => drain(adapter.changes?.pull(null, call)), { deadlineMs: 60_000 })
      .then(
        () => 'resolved',
        (error: unknown) => (error instanceof NoEnd ? 'no end' : 'thrown'),
      );
    const asked = await until(() => opened.exchanges().length > 0, 1_000);
    if (!asked)
      return unverified('pull asked its back office nothing within a second', 'let pull ask the back office each time it is called');
    await opened.stop();
    const how = await Promise.race([ended, sleep(1_000).then(() => 'still running')]);
    return how === 'still running' || how === 'no end'
      ? fail('the pull to end within a second after stop', 'it still runs', stopUnblocksPull.remedy)
      : pass;
  },
};

/** Waits until it holds, at most so long; whether it does. */
async function until(holds: () => boolean, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (!holds() && performance.now() < end) await sleep(10);
  return holds();
}

export const lifeChecks: readonly Check[] = [startStop, stopTwice, noLeaks, restart, stopUnblocksPull];
