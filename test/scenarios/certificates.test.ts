import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeOnEachPort, startTowns, townArs, type Towns } from '../kit/towns.ts';

/*
 * Somebody who lives in Düsseldorf was born in Köln. They ask for the certificate at home; Köln's registry office gets the
 * application, and one case tells both cities and the citizen what becomes of it.
 */

const birth = '99027002012000';
const notConnected = townArs.neuss;
const patience = { timeout: 25_000, interval: 50 };
const form = (registeredIn?: string) => ({
  familyNameAtBirth: 'Kanarienvogel',
  givenNames: 'Erika',
  dateOfBirth: '1980-02-29',
  placeOfBirth: registeredIn === undefined || registeredIn === townArs.duesseldorf ? 'Düsseldorf' : 'Köln',
  kind: 'standard',
  copies: 1,
  relation: 'self',
  ...(registeredIn === undefined ? {} : { registeredIn }),
});

describeOnEachPort('certificates of another city', (environment) => {
  let towns: Towns;
  beforeAll(async () => {
    towns = await startTowns({ towns: ['duesseldorf', 'koeln', 'muenchen'], env: await environment() });
  });
  afterAll(() => towns?.close());

  const outcome = async (application: Parameters<Towns['caseOf']>[0]) => (await towns.caseOf(application))?.outcome?.code;

  test('it is filed once, where the event was registered, and followed from home under one case id', async () => {
    const application = await towns.submit('duesseldorf', birth, form(townArs.koeln));
    await expect.poll(async () => (await towns.caseOf(application))?.waiting.map(({ step }) => step), patience).toEqual(['decide']);
    expect(towns.filed('koeln', application)).toHaveLength(1);
    expect(towns.filed('duesseldorf', application)).toHaveLength(0);

    const seen = await towns.caseOf(application);
    expect(seen).toMatchObject({
      kind: 'certificate',
      outcome: null,
      participants: [{ ars: townArs.duesseldorf }, { ars: townArs.koeln }],
      waiting: [
        { awaits: 'BACK_OFFICE', municipality: { ars: townArs.koeln }, text: 'The registry office is working on the application.' },
      ],
    });
    expect(seen?.history.nodes.map(({ type }) => type)).toEqual(['case.opened', 'certificate.handed-over', 'case.step-taken']);

    const reference = seen?.reference ?? '';
    for (const persona of ['clerk-duesseldorf', 'clerk-koeln'])
      expect((await towns.findCase(reference, persona))?.reference).toBe(reference);
    for (const persona of ['citizen2', 'state']) expect(await towns.findCase(reference, persona)).toBeNull();

    towns.decide('koeln', application, 'genehmigt');
    await expect.poll(() => outcome(application), patience).toBe('ISSUED');
    expect(await towns.status(application)).toBe('GRANTED');
    const closed = await towns.findCase(reference, 'clerk-duesseldorf');
    expect(closed?.outcome).toEqual({ code: 'ISSUED', text: 'Die Urkunde ist ausgestellt.' });
    expect(JSON.stringify([closed, seen]), 'nobody’s name is in a case').not.toMatch(/Kanarienvogel|Erika|1980/);
  });

  test('fees, office and key are those of the city that issues it', async () => {
    const death = {
      familyName: 'Kanarienvogel',
      givenNames: 'Erika',
      dateOfDeath: '2026-02-28',
      placeOfDeath: 'München',
      kind: 'standard',
      copies: 1,
      relation: 'descendant',
      registeredIn: townArs.muenchen,
    };
    const application = await towns.submit('duesseldorf', '99101004012000', death);
    const offer = 'offer { service { key } fees { cents } competentAuthority { name } }';
    const answer = await towns.hub.ask<{ application: { offer: unknown }; competence: { offer: unknown } }>(
      `query ($id: ID!, $ars: RegionalKey!) {
        application(id: $id) { ${offer} }
        competence(service: "99101004012000", place: { ars: $ars }) { ... on Competence { ${offer} } }
      }`,
      { id: application.id, ars: townArs.muenchen },
      'citizen',
    );
    expect(answer.data?.application).toEqual({
      offer: { service: { key: '99101004000000' }, fees: [{ cents: 1200 }], competentAuthority: { name: 'Stadtverwaltung München' } },
    });
    expect(answer.data?.competence, 'what the citizen could see before').toEqual(answer.data?.application);
    await expect.poll(() => towns.filed('muenchen', application), patience).toHaveLength(1);
    await expect
      .poll(async () => (await towns.caseOf(application))?.participants, patience)
      .toEqual([{ ars: townArs.duesseldorf }, { ars: townArs.muenchen }]);
  });

  test('a refusal comes back to the city where it was asked for', async () => {
    const application = await towns.submit('duesseldorf', birth, form(townArs.koeln));
    await expect.poll(() => towns.filed('koeln', application), patience).toHaveLength(1);
    towns.decide('koeln', application, 'abgelehnt');
    await expect.poll(() => outcome(application), patience).toBe('REFUSED');
    const { reference } = (await towns.caseOf(application)) ?? {};
    const seen = await towns.findCase(reference ?? '', 'clerk-duesseldorf');
    expect(seen?.history.nodes.at(-1)).toMatchObject({
      type: 'case.closed',
      municipality: { ars: townArs.koeln },
      facts: { outcome: 'REFUSED', to: [townArs.duesseldorf] },
    });
  });

  test('registered at home, or without a word about it, it is an ordinary application', async () => {
    for (const registeredIn of [townArs.duesseldorf, undefined]) {
      const application = await towns.submit('duesseldorf', birth, form(registeredIn));
      await expect.poll(() => towns.filed('duesseldorf', application), patience).toHaveLength(1);
      expect(await towns.caseOf(application)).toBeNull();
    }
  });

  test('a city that is not connected: refused before anything is taken, with the way to go', async () => {
    expect(await towns.apply('duesseldorf', birth, form(notConnected))).toEqual({
      __typename: 'NotOfferedOnline',
      code: 'REGISTER_NOT_CONNECTED',
      message:
        'Neuss is competent, because the register entry is there. Neuss does not take applications this way yet; please apply there directly.',
      path: ['input', 'formData'],
    });
    const unknown = await towns.apply('duesseldorf', birth, form('059999999999'));
    expect(unknown).toMatchObject({ __typename: 'ValidationProblem', fields: [{ pointer: '/registeredIn', code: 'municipality' }] });
  });

  test('while the other city is away, the case says so; the application arrives once it is back', async () => {
    const office = towns.offices['koeln'];
    office?.setFaults({ unavailable: 1 });
    const application = await towns.submit('duesseldorf', birth, form(townArs.koeln));
    await expect.poll(async () => (await towns.caseOf(application))?.waiting.map(({ step }) => step), patience).toEqual(['deliver']);
    office?.setFaults({ unavailable: 0 });
    await expect.poll(async () => (await towns.caseOf(application))?.waiting.map(({ step }) => step), patience).toEqual(['decide']);
    expect(towns.filed('koeln', application)).toHaveLength(1);
  });
});
