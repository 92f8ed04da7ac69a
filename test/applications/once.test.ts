import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { compileValidator } from '../../src/catalogue/forms/validator.ts';
import { takenUp } from '../../src/catalogue/forms/once.ts';
import { ars, duesseldorf, startTestHub, type TestHub } from '../kit/hub.ts';
import { applicant, submitMutation } from '../kit/samples.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { createStack } from '../kit/stack.ts';

const keep = createStack();
const noParking = '99108011153000';
const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
const place = { street: 'Königstraße', houseNumber: '5', postalCode: '40212', town: 'Düsseldorf' };
const form = (from: number, to: number, where: object = {}) => ({
  place: { ...place, ...where },
  reason: 'move',
  from: day(from),
  to: day(to),
  lengthMetres: 10,
});

interface Result {
  readonly submitApplication: {
    readonly __typename: string;
    readonly application?: { readonly id: string };
    readonly fields?: readonly { readonly pointer: string; readonly code: string; readonly message: string }[];
  };
}

/** Submits; the id of what was taken, or what is wrong with which field. */
async function submit(hub: TestHub, formData: object, persona = 'citizen', idempotencyKey: string = randomUUID()) {
  const asked = await hub.ask<{ municipality: { offer: { form: { revision: string } } } }>(
    'query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { form { revision } } } }',
    { ars: ars.duesseldorf, service: noParking },
  );
  const formRevision = asked.data?.municipality.offer.form.revision;
  const input = { service: noParking, place: { ars: ars.duesseldorf }, formRevision, applicant, formData, idempotencyKey };
  const { data, errors } = await hub.ask<Result>(submitMutation, { input }, persona);
  const { application, fields } = data?.submitApplication ?? {};
  return application?.id ?? fields?.map(({ pointer, code }) => `${pointer} ${code}`) ?? errors;
}

const refused = ['/from x-once'];

describeOnEachStore('what a city takes one application at a time for', (kit) => {
  test('is refused at the field while another has the place on one of the days, whoever asks, and free when that came to nothing', async () => {
    const url = await kit.freshUrl();
    const backoffice = keep(await startRedmineSimulator({ faults: { unavailable: 100_000 } }));
    const hub = keep(
      await startTestHub({
        cities: { duesseldorf: duesseldorf({ baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey }) },
        env: { STORE_URL: url },
      }),
    );
    const key = randomUUID();
    const first = await submit(hub, form(10, 12), 'citizen', key);
    expect(first).toEqual(expect.any(String));
    expect(await submit(hub, form(10, 12), 'citizen', key), 'the same again is the same').toBe(first);

    expect(await submit(hub, form(10, 12))).toEqual(refused);
    expect(await submit(hub, form(12, 14), 'citizen2'), 'the last day of the other').toEqual(refused);
    expect(await submit(hub, form(9, 10, { street: ' KÖNIGSTR. ', houseNumber: '5 ' }))).toEqual(refused);
    expect(await submit(hub, form(13, 14))).toEqual(expect.any(String));
    expect(await submit(hub, form(10, 12, { houseNumber: '6' }))).toEqual(expect.any(String));

    const { db } = await kit.open(url);
    const end = (id: unknown, status: string) =>
      db
        .updateTable('application')
        .set({ status })
        .where('id', '=', Buffer.from(String(id), 'base64url').toString().slice(12))
        .execute();
    await end(first, 'WITHDRAWN');
    let holder = await submit(hub, form(11, 11), 'citizen2');
    for (const status of ['REFUSED', 'DISCARDED']) {
      expect(holder, `free before ${status}`).toEqual(expect.any(String));
      expect(await submit(hub, form(11, 11))).toEqual(refused);
      await end(holder, status);
      holder = await submit(hub, form(11, 11), 'citizen2');
    }
    await end(holder, 'GRANTED');
    expect(await submit(hub, form(11, 11)), 'what was granted holds its day').toEqual(refused);
    expect(await submit(hub, form(12, 12))).toEqual(expect.any(String));
    expect(await submit(hub, form(10, 12)), 'two others have days of it now').toEqual(refused);
    expect(await submit(hub, form(10, 10)), 'what was refused holds nothing').toEqual(expect.any(String));

    const many = await Promise.all(Array.from({ length: 12 }, (_, index) => submit(hub, form(20 + (index % 3), 24))));
    expect(many.filter((one) => typeof one === 'string')).toHaveLength(1);
    expect(many.filter((one) => typeof one !== 'string')).toEqual(Array.from({ length: 11 }, () => refused));
  });
});

describe('the rule of a form', () => {
  const rule = { same: ['/a'], days: ['/from', '/to'] };

  test('compares day by day, whatever the spelling, and is silent where the form says nothing', () => {
    const of = (a: unknown, from?: string, to?: string) => takenUp(rule, { a, from, to } as never).map(({ day: one }) => one);
    expect(of('x', '2026-12-30', '2027-01-02')).toEqual(['2026-12-30', '2026-12-31', '2027-01-01', '2027-01-02']);
    expect(of('x', '2026-12-30')).toEqual(['2026-12-30']);
    expect(of('x', '2026-12-30', '2026-12-01'), 'a form that is wrong anyway').toEqual(['2026-12-30']);
    expect(of('x', '2026-12-30', '9999-12-31')).toHaveLength(400);
    expect(of('x')).toEqual([]);
    expect(of(undefined, '2026-12-30')).toEqual([]);
    const fields = (a: string) => JSON.stringify(takenUp({ same: ['/a'] }, { a })[0]?.fields);
    for (const alike of ['KÖNIGSTRASSE', 'Königstr.', ' Königstraße  ', 'Koenigstrasse', 'König-Straße'])
      expect(fields(alike)).toBe(fields('Königstraße'));
    for (const other of ['Königsallee', 'Königinstraße']) expect(fields(other)).not.toBe(fields('Königstraße'));
    expect(fields('5-7'), 'a range of numbers is no number').not.toBe(fields('57'));
  });

  test('is refused when the form is loaded where it names a field that the form does not have, or is no rule', () => {
    const load = (once: unknown) => () =>
      compileValidator({ type: 'object', properties: { a: { type: 'string' } }, 'x-once': once }, { strict: true });
    expect(load({ same: ['/a'] })).not.toThrow();
    expect(load({ same: ['/b'] })).toThrow('/b');
    expect(load({ same: ['/a'], days: ['/from'] })).toThrow('/from');
    for (const wrong of [{}, { same: [] }, { same: ['a'] }, { same: ['/a'], unknown: 1 }]) expect(load(wrong)).toThrow(/x-once/);
  });
});
