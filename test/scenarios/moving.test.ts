import { expect, test } from 'vitest';
import { ars } from '../kit/hub.ts';
import { followCase } from '../kit/sse.ts';
import { describeOnEachStore, describeWithService } from '../kit/services.ts';
import { createStack } from '../kit/stack.ts';
import { move, startTowns } from './moving.ts';

/* Somebody moves from Neuss to Düsseldorf. Both cities' systems take part as they would: through the API, with their own tokens. */

const keep = createStack();
const patience = { timeout: 20_000, interval: 50 };

async function wholeMove(env: Record<string, string>) {
  const towns = keep(await startTowns({ env }));
  const { permit, id, see } = await move(towns);
  const news = followCase(towns.hub.url, await towns.hub.issuer.token('citizen-eid'), id);
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
  expect(towns.filed('neuss', permit)?.status, 'and its back office knows').toBe('zurückgezogen');
  const { history } = await see();
  await expect.poll(() => news.at(-1), { ...patience, message: 'who subscribed is told' }).toBe('COMPLETED');
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
  return towns;
}

describeOnEachStore('a move', (kit) => {
  test('goes from the registration to the end of the parking permit', async () => {
    expect(await wholeMove({ STORE_URL: await kit.freshUrl() })).toBeTruthy();
  });
});

describeWithService('kafka', 'a move over Kafka', (url) => {
  test('goes from the registration to the end of the parking permit', async () => {
    expect(await wholeMove({ BUS_URL: url })).toBeTruthy();
  });
});
