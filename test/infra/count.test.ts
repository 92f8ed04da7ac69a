import type { Kysely } from 'kysely';
import { expect, test, vi } from 'vitest';
import { countedAtMost, countRows, countTogether } from '../../src/infra/store/count.ts';
import type { Database } from '../../src/infra/store/schema.ts';
import { describeOnEachStore } from '../kit/services.ts';

const nameOf = (row: number) => String(row).padStart(6, '0');

async function write(db: Kysely<Database>, from: number, until: number): Promise<void> {
  for (let first = from; first < until; first += 500)
    await db
      .insertInto('lease')
      .values(
        Array.from({ length: Math.min(500, until - first) }, (_, at) => ({
          name: nameOf(first + at),
          holder: 'count',
          until: 0,
          fence: 0,
        })),
      )
      .execute();
}

describeOnEachStore('the length of a list', (kit) => {
  test('is right to the row below its bound, and the bound above it, also while rows come and go', async () => {
    const { db } = await kit.openFresh();
    const rows = db.selectFrom('lease').where('holder', '=', 'count');
    expect(await countRows(db, rows)).toBe(0);
    await write(db, 0, countedAtMost - 1);
    expect(await countRows(db, rows)).toBe(countedAtMost - 1);
    await write(db, countedAtMost - 1, countedAtMost + 500);
    expect(await countRows(db, rows)).toBe(countedAtMost);
    await db.deleteFrom('lease').where('name', '<', nameOf(501)).execute();
    expect(await countRows(db, rows)).toBe(countedAtMost - 1);
    expect(await countTogether(db, [rows, rows])).toBe(countedAtMost);
  });

  test('is not counted at each question where it is far above its bound', async () => {
    const { db } = await kit.openFresh();
    await write(db, 0, countedAtMost + 4000);
    const asked = vi.spyOn(db, 'executeQuery');
    for (const holder of ['count', 'count', 'count', 'nobody'])
      expect(await countRows(db, db.selectFrom('lease').where('holder', '=', holder))).toBe(holder === 'count' ? countedAtMost : 0);
    expect(asked).toHaveBeenCalledTimes(2);
  });
});
