import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { AdapterError } from '#contract';
import { runConformance } from '../../src/conformance/run.ts';
import type { Samples } from '../../src/conformance/samples.ts';
import type { Subject } from '../../src/conformance/subject.ts';
import { createStack } from '../kit/stack.ts';
import twice, { config as lookup, office as twiceThere } from './broken/submit.once.ts';
import { breakGood } from './good.ts';
import { startOffice } from './office.ts';
import { officeSubject } from './subject.ts';

/* What the kit must not blame an adapter for: other people in the back office, and a system that takes its time. */

const opened = createStack();

/** Without the samples that ask for one key, or for all cases: then a count may hold those of others. */
function without(subject: Subject, ...names: readonly (keyof Samples)[]): Subject {
  const samples = Object.fromEntries(Object.entries(subject.samples).filter(([name]) => !names.includes(name as keyof Samples)));
  return { ...subject, samples: samples as unknown as Samples };
}

const failures = async (subject: Subject, only: readonly string[]) =>
  (await runConformance(subject, { only })).results
    .filter(({ finding }) => finding.status === 'fail')
    .map(({ id, finding }) => ({ id, finding }));

const touched = ['submit.*', 'changes.*', 'withdraw.*', 'cases.*', 'check.*'];
const ways: readonly (readonly [how: string, missing: readonly (keyof Samples)[]])[] = [
  ['asked for a key', []],
  ['asked how many cases there are', ['count']],
  ['seen by its changes alone', ['count', 'total']],
];

describe('others who work in the back office meanwhile', () => {
  test.each(ways)('are not blamed on the adapter, %s', { timeout: 300_000 }, async (_, missing) => {
    const office = opened(await startOffice({ othersEveryMs: 150 }));
    expect(await failures(without(officeSubject(office), ...missing), touched)).toEqual([]);
  });

  test.each(ways)('once are not either, and then nothing is left open, %s', { timeout: 120_000 }, async (_, missing) => {
    const office = opened(await startOffice({ oneOther: true }));
    const report = await runConformance(without(officeSubject(office), ...missing), { only: ['submit.once'] });
    expect(report.results.map(({ finding }) => finding.status)).toEqual(['pass']);
  });

  test.each(ways.slice(1))('excuse no adapter that makes two cases, %s', { timeout: 120_000 }, async (_, missing) => {
    const office = opened(await startOffice(twiceThere));
    const found = await failures(without(officeSubject(office, twice, { config: lookup }), ...missing), ['submit.once']);
    expect(found).toMatchObject([{ id: 'submit.once', finding: { got: '2 cases' } }]);
  });
});

describe('a system that takes its time', () => {
  /** The good adapter, each of whose calls takes so long, or until it is aborted. */
  const slow = (ms: number) =>
    breakGood(({ cases }) => ({
      cases: {
        ...cases!,
        async submit(application, call) {
          await sleep(ms, undefined, { signal: call.signal }).catch(() => {
            throw new AdapterError('unavailable', 'none', 'the office did not answer in time');
          });
          return cases!.submit(application, call);
        },
      },
    }));

  test('may take longer for a check than it may stand still', { timeout: 120_000 }, async () => {
    const office = opened(await startOffice());
    const limits = { stillMs: 1000, mostMs: 60_000 };
    const report = await runConformance(officeSubject(office, slow(600)), { only: ['submit.replay-same-key', 'cases.*'], limits });
    expect(report.results.map(({ finding }) => finding.status)).toEqual(['pass', 'pass', 'pass', 'pass']);
    expect(Math.max(...report.results.map(({ ms }) => ms)), 'or this test shows nothing').toBeGreaterThan(limits.stillMs);
  });

  test('may not stand still for ever', { timeout: 120_000 }, async () => {
    const office = opened(await startOffice());
    const hanging = breakGood(() => ({ check: () => new Promise(() => {}) }));
    const report = await runConformance(
      { ...officeSubject(office, hanging), limits: { concurrency: 8, timeoutMs: 20_000 } },
      { only: ['check.healthy'], limits: { stillMs: 500, mostMs: 60_000 } },
    );
    expect(report.results.map(({ finding }) => finding)).toMatchObject([{ status: 'fail', expected: 'a step that ends within 0.5 s' }]);
  });

  test('that does not answer while a check prepares is not said to have broken its promise', { timeout: 120_000 }, async () => {
    const office = opened(await startOffice());
    const found = await failures(officeSubject(office, slow(10_000)), ['changes.restart-from-cursor', 'changes.ids-stable']);
    expect(found.map(({ id }) => id)).toEqual(['changes.restart-from-cursor', 'changes.ids-stable']);
    for (const { finding } of found) {
      expect(finding).toMatchObject({
        expected: 'every call on the way to what is checked is answered in time',
        remedy: expect.stringMatching(/limits\.timeoutMs/) as string,
      });
      expect(JSON.stringify(finding)).not.toMatch(/cursor|version/);
    }
  });
});
