import { expect, test } from 'vitest';
import { ars } from '../kit/hub.ts';
import { applicant } from '../kit/samples.ts';
import { describeOnEachStore, describeWithService } from '../kit/services.ts';
import { createStack } from '../kit/stack.ts';
import { mover, parkingPermit, permitForm, registration, registrationForm, startTowns, type Towns } from './moving.ts';

/* Somebody moves from Neuss to Düsseldorf. Both cities' systems take part as they would: through the API, with their own tokens. */

const keep = createStack();
const patience = { timeout: 20_000, interval: 50 };

/** A permit in Neuss and a registration in Düsseldorf, both granted; the case that follows. */
async function move(towns: Towns, previous?: object) {
  const permit = await towns.submit(parkingPermit, ars.neuss, permitForm);
  await expect.poll(() => towns.statusOf(permit), patience).toBe('RECEIVED');
  towns.grant('neuss', permit);
  await expect.poll(() => towns.statusOf(permit), patience).toBe('GRANTED');
  const application = await towns.submit(registration, ars.duesseldorf, registrationForm(previous));
  await expect.poll(() => towns.statusOf(application), patience).toBe('RECEIVED');
  towns.grant('duesseldorf', application);
  await expect.poll(() => towns.caseOf(application), patience).not.toBeNull();
  const { id } = (await towns.caseOf(application))!;
  const see = async (persona?: string) => (await towns.caseOf(application, persona))!;
  return { permit, application, id, see };
}

async function wholeMove(env: Record<string, string>) {
  const towns = keep(await startTowns({ env }));
  const { permit, id, see } = await move(towns);
  expect((await see()).waiting).toMatchObject([{ step: 'evaluate', code: 'EVALUATE', awaits: 'CITY', municipality: { ars: ars.neuss } }]);

  expect(await towns.answer('answerCase', id, 'evaluate', 'DEVIATIONS', 'clerk-neuss', ['dateOfBirth'])).toEqual({
    __typename: 'AnswerCaseSuccess',
    replayed: false,
  });
  expect(await towns.answer('answerCase', id, 'evaluate', 'DEVIATIONS', 'clerk-neuss', ['dateOfBirth'])).toMatchObject({ replayed: true });
  expect(await towns.answer('answerCase', id, 'evaluate', 'ACCEPTED', 'clerk-neuss')).toMatchObject({ code: 'NOT_AWAITED' });
  await towns.answer('answerCase', id, 'deregister', 'DONE', 'clerk-neuss');

  await expect.poll(async () => (await see()).outcome?.code, patience).toBe('COMPLETED');
  expect(await towns.statusOf(permit), 'the permit holds no longer').toBe('WITHDRAWN');
  expect(towns.rest.cases.list().find(({ key }) => key === permit)?.status, 'and its back office knows').toBe('zurückgezogen');
  const { history } = await see();
  expect(history.nodes.map(({ type }) => type)).toEqual([
    'case.opened',
    'move.registered',
    'case.step-taken',
    'move.evaluated',
    'case.step-taken',
    'move.deregistered',
    'permit.end-requested',
    'offer.suggested',
    'permit.ended',
    'case.closed',
  ]);
  expect(history.nodes.find(({ type }) => type === 'move.registered')?.facts).toMatchObject({ from: ars.duesseldorf, to: [ars.neuss] });
  expect(history.nodes.find(({ type }) => type === 'move.evaluated')?.facts).toMatchObject({
    result: 'DEVIATIONS',
    fields: ['dateOfBirth'],
  });
}

describeOnEachStore('a move', (kit) => {
  test('goes from the registration to the end of the parking permit', async () => wholeMove({ STORE_URL: await kit.freshUrl() }));
});

describeWithService('kafka', 'a move over Kafka', (url) => {
  test('goes from the registration to the end of the parking permit', () => wholeMove({ BUS_URL: url }));
});
