import { expect, test } from 'vitest';
import { openStore } from '../../src/infra/store/open-store.ts';
import { newSqliteDatabase } from '../kit/databases.ts';
import { openOffice, owner, takeApplication } from './office.ts';

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
