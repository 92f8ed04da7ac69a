import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  describeOnEachPort,
  startTowns,
  startTownSystem,
  townArs,
  type Submitted,
  type TownName,
  type Towns,
  type TownSystem,
} from '../kit/towns.ts';

/*
 * A craftsmen's permit of Düsseldorf holds in Köln and in München, which files it under another key. Both partners have systems
 * that get events by webhook, take them over and say so.
 */

const leika = '99108003001001';
const patience = { timeout: 30_000, interval: 25 };
const day = (from: number) => new Date(Date.now() + from * 86_400_000).toISOString().slice(0, 10);
const form = (startDate = day(1), validityMonths = 12) => ({
  company: 'Kanarienvogel Sanitär GmbH',
  companyAddress: { street: 'Kanalstraße', houseNumber: '1', postalCode: '40213', town: 'Düsseldorf' },
  trade: 'Sanitärtechnik',
  licencePlates: ['D-KV 4711'],
  validityMonths,
  startDate,
});
const treaty = (service: string, ...partners: readonly string[]) => ({ treaties: [{ service, with: partners, recognises: true }] });

interface Permit {
  readonly valid: boolean;
  readonly endsAt: string | null;
  readonly recognitions: readonly {
    readonly municipality: { readonly ars: string };
    readonly service: { readonly key: string };
    readonly state: string;
  }[];
}

describeOnEachPort('a craftsmen’s permit in partner cities', (environment) => {
  let towns: Towns;
  const systems = new Map<TownName, TownSystem>();

  /** What a partner's system does with an event: it takes it over and confirms. */
  const confirm =
    (town: TownName) =>
    async ({ type, subject }: TownSystem['taken'][number]) => {
      const step = { 'permit.recognised': 'recognise', 'permit.revoked': 'take-back' }[type];
      if (step) await towns.answer(town, subject, `${step}-${townArs[town]}`, 'APPLIED');
    };
  const channel = (system: TownSystem) => ({
    events: { deliver: 'webhook', url: system.url, secrets: [`whsec_${randomBytes(32).toString('base64')}`] },
  });

  beforeAll(async () => {
    for (const town of ['koeln', 'muenchen'] as const) systems.set(town, await startTownSystem(confirm(town)));
    const [koeln, muenchen] = [systems.get('koeln'), systems.get('muenchen')];
    if (!koeln || !muenchen) throw new Error('a system did not start');
    towns = await startTowns({
      towns: ['duesseldorf', 'koeln', 'muenchen', 'neuss'],
      more: {
        duesseldorf: treaty(leika, townArs.koeln, townArs.muenchen, townArs.neuss),
        koeln: { ...treaty(leika, townArs.duesseldorf), ...channel(koeln) },
        muenchen: { ...treaty('99108010000000', townArs.duesseldorf), ...channel(muenchen) },
        // Neuss does not name Düsseldorf: no treaty holds between the two.
      },
      env: await environment(),
    });
  });
  afterAll(async () => {
    await towns?.close();
    await Promise.all([...systems.values()].map((system) => system.close()));
  });

  async function permitOf(application: Submitted): Promise<Permit | null> {
    const answer = await towns.hub.ask<{ application: { case: { permit: Permit } | null } }>(
      'query ($id: ID!) { application(id: $id) { case { permit { valid endsAt recognitions { municipality { ars } service { key } state } } } } }',
      { id: application.id },
      'citizen',
    );
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return answer.data?.application.case?.permit ?? null;
  }
  const states = async (application: Submitted) => (await permitOf(application))?.recognitions.map(({ state }) => state);
  const got = (town: TownName, reference: string) =>
    systems.get(town)?.taken.filter(({ subject, type }) => subject === reference && type.startsWith('permit.')) ?? [];

  async function granted(): Promise<Submitted> {
    const application = await towns.submit('duesseldorf', leika, form());
    await expect.poll(() => towns.filed('duesseldorf', application), patience).toHaveLength(1);
    towns.decide('duesseldorf', application, 'genehmigt');
    await expect.poll(() => states(application), patience).toHaveLength(2);
    return application;
  }

  test('issued in one city it is recognised in the others, in each under its own key; revoked there, within seconds everywhere', async () => {
    const application = await granted();
    await expect.poll(() => states(application), patience).toEqual(['RECOGNISED', 'RECOGNISED']);
    const permit = await permitOf(application);
    expect(permit?.valid).toBe(true);
    expect(permit?.endsAt?.slice(0, 4)).toBe(String(new Date(Date.now() + 86_400_000).getUTCFullYear() + 1));
    expect(permit?.recognitions.map(({ municipality, service }) => [municipality.ars, service.key])).toEqual([
      [townArs.koeln, leika],
      [townArs.muenchen, '99108010000000'],
    ]);
    const { reference = '' } = (await towns.caseOf(application)) ?? {};

    const revokedAt = Date.now();
    towns.decide('duesseldorf', application, 'abgelehnt');
    await expect.poll(() => states(application), patience).toEqual(['ENDED', 'ENDED']);
    expect((await permitOf(application))?.valid).toBe(false);
    expect((await towns.caseOf(application))?.outcome).toEqual({
      code: 'REVOKED',
      text: 'Der Ausweis ist widerrufen; alle Partnerstädte haben das übernommen.',
    });
    for (const town of ['koeln', 'muenchen'] as const) {
      expect(got(town, reference).map(({ type }) => type)).toEqual(['permit.recognised', 'permit.revoked']);
      const [, revoked] = got(town, reference);
      // Printed, not asserted: how long a revocation takes is told, and depends on the machine.
      console.log(
        `${town}: ${(revoked?.at ?? 0) - revokedAt} ms from the back office's decision to the partner's system (changes are asked for every 1000 ms)`,
      );
    }
    expect(JSON.stringify([...systems.values()].map(({ taken }) => taken))).not.toMatch(/Kanarienvogel|KV 4711|Kanalstraße/);
  });

  test('while a partner is away, the revocation holds, is visibly pending there, and is taken over once it is back', async () => {
    const application = await granted();
    await expect.poll(() => states(application), patience).toEqual(['RECOGNISED', 'RECOGNISED']);
    const { reference = '' } = (await towns.caseOf(application)) ?? {};
    systems.get('muenchen')?.setAway(true);
    towns.decide('duesseldorf', application, 'abgelehnt');
    await expect.poll(() => states(application), patience).toEqual(['ENDED', 'REVOCATION_PENDING']);
    expect((await permitOf(application))?.valid, 'void everywhere, even if nobody knows yet').toBe(false);
    expect((await towns.caseOf(application))?.waiting).toMatchObject([
      { awaits: 'CITY', municipality: { ars: townArs.muenchen }, text: 'The partner city is taking the revocation over.' },
    ]);
    systems.get('muenchen')?.setAway(false);
    await expect.poll(() => states(application), patience).toEqual(['ENDED', 'ENDED']);
    expect(got('muenchen', reference).map(({ type }) => type)).toEqual(['permit.recognised', 'permit.revoked']);
  });

  test('the issuing city may also revoke by answering the case; no other city may', async () => {
    const application = await granted();
    const { reference = '' } = (await towns.caseOf(application)) ?? {};
    expect(await towns.answer('koeln', reference, 'revoke', 'WITHDRAW')).toMatchObject({ code: 'NOT_AWAITED' });
    expect(await towns.answer('neuss', reference, 'revoke', 'WITHDRAW')).toMatchObject({ code: 'NOT_FOUND' });
    expect(await towns.answer('duesseldorf', reference, 'revoke', 'WITHDRAW')).toMatchObject({ replayed: false });
    await expect.poll(() => states(application), patience).toEqual(['ENDED', 'ENDED']);
  });

  test('a treaty works both ways, with those alone who named each other', async () => {
    const application = await towns.submit('koeln', leika, form());
    await expect.poll(() => towns.filed('koeln', application), patience).toHaveLength(1);
    towns.decide('koeln', application, 'genehmigt');
    await expect
      .poll(async () => (await permitOf(application))?.recognitions.map(({ municipality, state }) => [municipality.ars, state]), patience)
      .toEqual([[townArs.duesseldorf, 'PENDING']]);
  });
});
