import { expect, test } from 'vitest';
import { readChanges, type CaseChange } from '#contract';

const change = (id: string): CaseChange => ({
  id,
  ref: { id },
  nativeStatus: 'done',
  version: '1',
  updatedAt: new Date('2026-11-24T10:00:00Z'),
});

test('a page of many records leaves others a turn, whether they can be read or not', async () => {
  let turns = 0;
  const count = () => {
    turns += 1;
    turn = setImmediate(count);
  };
  let turn = setImmediate(count);
  const records = Array.from({ length: 1000 }, (_, index) => index);
  const read = (index: number): CaseChange => {
    if (index % 2 === 0) return change(String(index));
    throw new Error('odd');
  };
  const { items, malformed } = await readChanges(records, read, String);
  clearImmediate(turn);
  expect([items.length, malformed.length]).toEqual([500, 500]);
  expect(turns).toBeGreaterThan(5);
});
