import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LoggedEvent } from '#contract';
import { pauseAfter } from '../../src/infra/backoff.ts';
import { createLanes, createSlots } from '../../src/infra/bus/lanes.ts';
import { sampleEvent } from '../kit/sample-event.ts';

const eventAt = (seq: number, aggregate: string): LoggedEvent => ({ ...sampleEvent({ aggregate }), seq });

describe('lanes', () => {
  test('whatever the order of handling: per aggregate in order, never two at once, and the place never passes an unfinished event', async () => {
    const schedule = fc.array(fc.record({ aggregate: fc.constantFrom('a', 'b', 'c'), ticks: fc.nat({ max: 5 }) }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(schedule, fc.integer({ min: 1, max: 6 }), async (plan, mostUnfinished) => {
        const done: number[] = [];
        const busy = new Set<string>();
        const faults: string[] = [];
        const lanes = createLanes(0, mostUnfinished, async ({ seq, aggregate }) => {
          if (busy.has(aggregate.id)) faults.push(`two of ${aggregate.id} at once`);
          busy.add(aggregate.id);
          for (let tick = 0; tick < plan[seq - 1]!.ticks; tick += 1) await Promise.resolve();
          if (lanes.doneUpTo() >= seq) faults.push(`the place passed ${seq}`);
          busy.delete(aggregate.id);
          done.push(seq);
          return true;
        });
        for (const [index, { aggregate }] of plan.entries()) await lanes.add(eventAt(index + 1, aggregate));
        await lanes.idle();
        const inOrder = ['a', 'b', 'c'].every((id) => {
          const own = done.filter((seq) => plan[seq - 1]!.aggregate === id);
          return own.every((seq, i) => i === 0 || seq > own[i - 1]!);
        });
        expect({ faults, inOrder, count: done.length, place: lanes.doneUpTo() }).toEqual({
          faults: [],
          inOrder: true,
          count: plan.length,
          place: plan.length,
        });
      }),
    );
  });

  test('a lane that gives up holds the place before its event, and adding does not wait for it', async () => {
    const lanes = createLanes(10, 2, async ({ aggregate }) => aggregate.id !== 'bad');
    for (const [seq, id] of [
      [11, 'good'],
      [12, 'bad'],
      [13, 'bad'],
      [14, 'good'],
    ] as const)
      await lanes.add(eventAt(seq, id));
    lanes.readUpTo(20);
    await lanes.idle();
    expect(lanes.doneUpTo()).toBe(11);
  });
});

describe('slots', () => {
  test('let no more than their number run at once, and a failure gives its slot back', async () => {
    const inSlot = createSlots(3);
    let running = 0;
    let most = 0;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        inSlot(async () => {
          most = Math.max(most, (running += 1));
          await sleep(1);
          running -= 1;
          if (i % 3 === 0) throw new Error('no');
        }),
      ),
    );
    expect(outcomes.map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(7);
    expect(most).toBe(3);
  });
});

describe('the pause between attempts', () => {
  test('grows, stays within its bounds, and is never zero', () => {
    const backoff = { firstMs: 100, mostMs: 10_000 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
        const ms = pauseAfter(backoff, attempt, chance);
        expect(ms).toBeGreaterThanOrEqual(50);
        expect(ms).toBeLessThanOrEqual(10_000);
        expect(pauseAfter(backoff, attempt + 1, chance)).toBeGreaterThanOrEqual(ms);
      }),
    );
  });
});
