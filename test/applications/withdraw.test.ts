import { expect, test } from 'vitest';
import { openStore } from '../../src/infra/store/open-store.ts';
import { newSqliteDatabase } from '../kit/databases.ts';
import { haveDelivered, look, openOffice, owner, takeApplication } from './office.ts';
import { queueJob } from '../../src/applications/records.ts';

test.each([
  [500, true],
  [501, false],
])('a reason of %i characters for a withdrawal: taken %s', async (length, taken) => {
  const database = newSqliteDatabase();
  const store = await openStore(database.url);
  const result = await openOffice(store, { cases: {} }).withdraw(
    { id: await takeApplication(store), reason: 'x'.repeat(length) },
    owner,
    '',
  );
  expect(result.ok).toBe(taken);
  if (!result.ok) expect(result.problem).toMatchObject({ code: 'TEXT_TOO_LONG', facts: { found: 501, most: 500 } });
  await store.close();
  await database.remove();
});

test('a withdrawal ends, even if its case is shown without a moment', async () => {
  const database = newSqliteDatabase();
  const store = await openStore(database.url);
  const applications = openOffice(store, {
    cases: {
      withdraw: async () => {},
      loadCases: async ([ref]) => [{ ref: ref!, nativeStatus: 'gone', version: '2', updatedAt: undefined as never }],
    },
  });
  const id = await haveDelivered(store, 'c');
  await store.transaction(async (tx) => {
    const row = await tx.selectFrom('application').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    await queueJob(tx, { row, kind: 'withdraw', key: 'k', at: Date.now() });
  });
  applications.start();
  await expect.poll(async () => (await look(store, id)).status, { timeout: 10_000, interval: 20 }).toBe('WITHDRAWN');
  await applications.stop();
  await store.close();
  await database.remove();
});
