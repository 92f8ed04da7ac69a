import { expect, test } from 'vitest';
import { applicationStanding } from '../../src/applications/project.ts';
import { findKind } from '../../src/coordination/kinds.ts';
import { caseProjection } from '../../src/coordination/rebuild.ts';
import { describeWithStore } from '../kit/services.ts';
import { readDocument } from './sandbox.ts';

const rows = readDocument('docs/reference/tables.md')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const names = (cell = '') => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name!);

describeWithStore('docs/reference/tables.md', (kit) => {
  test('says of every table whether it can be made again', async () => {
    const tables = await (await kit.openFresh()).db.introspection.getTables();
    expect(rows.flatMap((row) => names(row[1])).toSorted()).toEqual(tables.map(({ name }) => name).toSorted());
  });

  test('names what the command makes again, and nothing else', () => {
    const projections = [applicationStanding, caseProjection(findKind)];
    for (const { name, holds } of projections) {
      const named = rows.filter((row) => row[3]?.includes(`\`rebuild ${name}\``)).flatMap((row) => names(row[1]));
      expect(named.toSorted()).toEqual(holds.map(({ table }) => table).toSorted());
    }
    expect(names(rows.find((row) => row[1] === '`application`')?.[3])).toEqual(applicationStanding.holds[0]?.columns);
  });
});
