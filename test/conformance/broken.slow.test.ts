import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AdapterDefinition, Json } from '#contract';
import { checks } from '../../src/conformance/checks.ts';
import { runConformance } from '../../src/conformance/run.ts';
import { createStack } from '../kit/stack.ts';
import liar from './broken/fault.matrix.ts';
import { breakGood, createGood, good } from './good.ts';
import { startOffice, type OfficeOptions } from './office.ts';
import { officeSubject } from './subject.ts';

/** An adapter with one thing wrong: broken/<id of the check that must refuse it>.ts. */
interface Broken {
  readonly default: AdapterDefinition;
  /** Where the back office has to be another one. */
  readonly office?: OfficeOptions;
  readonly config?: { readonly [name: string]: Json };
  /** Further checks of the group that see the same fault. */
  readonly also?: readonly string[];
}

const folder = join(import.meta.dirname, 'broken');
const brokenIds = readdirSync(folder).map((name) => name.replace(/\.ts$/, ''));
const groupOf = (id: string): string => `${id.split('.')[0]}.*`;

const opened = createStack();

describe('the kit refuses an adapter that breaks', () => {
  test.each(brokenIds)('%s, and nothing else of its group', { timeout: 120_000 }, async (id) => {
    const broken = (await import(join(folder, `${id}.ts`))) as Broken;
    const office = opened(await startOffice(broken.office));
    const report = await runConformance(officeSubject(office, broken.default, broken.config ? { config: broken.config } : {}), {
      only: [groupOf(id)],
    });
    const refusals = report.results.filter(({ finding }) => finding.status !== 'pass');
    expect(refusals.map((refusal) => [refusal.id, refusal.finding.status])).toEqual(
      [id, ...(broken.also ?? [])].map((refused) => [refused, 'fail']),
    );
    for (const { finding } of refusals) {
      expect(finding).toEqual({
        status: 'fail',
        expected: expect.stringMatching(/\w{2}/) as string,
        got: expect.stringMatching(/\S/) as string,
        remedy: expect.stringMatching(/\w+ \w+/) as string,
      });
    }
  });

  test.each([
    ['with the statuses that mean withdrawn', {}],
    ['without them', { withdrawnStatuses: new Set<string>() }],
  ])('withdraw.idempotent: success for a withdrawal that changed nothing, %s', { timeout: 60_000 }, async (_, more) => {
    const office = opened(await startOffice());
    const deaf = breakGood(({ cases }) => ({ cases: { ...cases!, withdraw: async () => {} } }));
    const report = await runConformance({ ...officeSubject(office, deaf), ...more }, { only: ['withdraw.*'] });
    expect(report.results.map(({ finding }) => finding.status)).toEqual(['fail']);
  });

  test('webhook.replay: an id of the message that the adapter makes up itself', { timeout: 60_000 }, async () => {
    const office = opened(await startOffice());
    const inventive = breakGood((_, { config, host }) => {
      const webhook = createGood(config, host).webhook!;
      return { webhook: { ...webhook, receive: async (...args) => ({ ...(await webhook.receive(...args)), id: randomUUID() }) } };
    });
    const report = await runConformance(officeSubject(office, inventive), { only: ['webhook.replay'] });
    expect(report.results.map(({ finding }) => finding.status)).toEqual(['fail']);
  });

  test('for every check there is such an adapter', () => {
    expect(new Set(brokenIds)).toEqual(new Set(checks.map(({ id }) => id)));
  });
});

describe('the kit admits an adapter that keeps every promise', () => {
  test.each<[how: string, idempotency: string, office: OfficeOptions]>([
    ['whose back office honours keys', 'native', {}],
    ['whose back office can be asked for keys', 'lookup', { forgetful: true }],
  ])('%s', { timeout: 120_000 }, async (_, idempotency, options) => {
    const office = opened(await startOffice(options));
    const report = await runConformance(officeSubject(office, undefined, { config: { idempotency } }));
    expect(report.results.filter(({ finding }) => finding.status !== 'pass').map(({ id, finding }) => ({ id, finding }))).toEqual([]);
    expect(report.admitted).toBe(true);
  });
});

describe('where nobody can see what landed', () => {
  test.each<[says: string, adapter: AdapterDefinition, found: string]>([
    ['an adapter that swears nothing did is not believed', liar, 'unverified'],
    ['one that says it does not know is', good, 'pass'],
  ])('%s', { timeout: 120_000 }, async (_, adapter, found) => {
    const office = opened(await startOffice());
    const { count: __, ...samples } = officeSubject(office).samples;
    const report = await runConformance({ ...officeSubject(office, adapter), samples }, { only: ['fault.matrix'] });
    expect(report.results.map(({ finding }) => finding.status)).toEqual([found]);
  });
});
