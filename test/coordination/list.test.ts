import { expect, test } from 'vitest';
import { createKeyRules, type RegionalKey, type ServiceKey } from '#contract';
import { moving } from '../../src/coordination/kinds/moving.ts';
import { findVisible, listCases } from '../../src/coordination/list.ts';
import { project } from '../../src/coordination/project.ts';
import { saveCase } from '../../src/coordination/records.ts';
import type { Principal } from '../../src/identity/identity.ts';
import { newId } from '../../src/infra/ids.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { insertApplication } from './rows.ts';

const [here, there] = ['051110000000', '051620024024'] as RegionalKey[];
const principalOf = (role: string, more: Partial<Principal> = {}) =>
  ({ owner: `issuer ${role}`, roles: [role], ars: null, assuranceLevel: 'NONE', ...more }) as Principal;
const [citizen, portal] = [principalOf('citizen'), principalOf('portal')];
const clerk = principalOf('city', { ars: there! });

async function application(store: Store, owner: string): Promise<string> {
  const id = newId();
  await store.transaction((tx) => insertApplication(tx, { id, ars: here!, service: '99115005104000', status: 'GRANTED', owner }));
  return id;
}

/** A case of these applications, open or closed; its id. */
async function caseOf(
  store: Store,
  applications: readonly string[],
  isOpen: boolean,
  participants: readonly RegionalKey[] = [here!, there!],
): Promise<string> {
  const id = newId();
  const [first = ''] = applications;
  const event = (type: string, facts: object) => ({ type, municipality: here!, occurredAt: new Date(1), facts: { ...facts } });
  const opened = project(
    moving,
    id,
    null,
    event('case.opened', { to: [there], service: '99115005104000' as ServiceKey, application: first, departure: there, correlation: id }),
  );
  const rows = isOpen ? opened : project(moving, id, opened, event('case.closed', { outcome: 'COMPLETED' }));
  await store.transaction((tx) => saveCase(tx, null, { ...rows, applications, participants }));
  return id;
}

describeOnEachStore('lists of cases', (kit) => {
  test('have each case once, for whoever may see it, newest first, page by page', async () => {
    const store = await kit.openFresh();
    const keys = { ...createKeyRules() };
    const mine = [await application(store, citizen.owner), await application(store, citizen.owner)];
    const theirs = [await application(store, portal.owner), await application(store, portal.owner)];
    const old = await caseOf(store, mine, false);
    const shared = await caseOf(store, [...mine, ...theirs], true);
    const young = await caseOf(store, theirs, true);
    const list = async (principal: Principal, open: boolean | null = null, after: string | null = null, first = 20) => {
      const { items, totalCount, hasNextPage } = await listCases(store, keys, principal, { page: { after, first }, open });
      return { ids: items.map(({ node }) => node.id), totalCount, hasNextPage };
    };
    const whole = (...ids: string[]) => ({ ids, totalCount: ids.length, hasNextPage: false });
    expect(await list(citizen)).toEqual(whole(shared, old));
    expect(await list(citizen, true)).toEqual(whole(shared));
    expect(await list(citizen, false)).toEqual(whole(old));
    expect(await list(portal)).toEqual(whole(young, shared));
    expect(await list(portal, true)).toEqual(whole(young, shared));
    expect(await list(portal, false)).toEqual(whole());
    expect(await list(clerk)).toEqual(whole(young, shared, old));
    expect(await list(clerk, true)).toEqual(whole(young, shared));
    expect(await list({ ...clerk, owner: citizen.owner, roles: ['city', 'citizen'] })).toEqual(whole(young, shared, old));
    const [former] = ['051620024025'] as RegionalKey[];
    const asFormer = await caseOf(store, theirs, false, [here!, former!]);
    const asBoth = await caseOf(store, theirs, false, [former!, there!]);
    keys.keysOfMunicipality = () => [there!, former!];
    expect(await list(clerk)).toEqual(whole(asBoth, asFormer, young, shared, old));
    expect(await list(clerk, false)).toEqual(whole(asBoth, asFormer, old));
    expect(await list(clerk, null, asFormer, 1)).toEqual({ ids: [young], totalCount: 5, hasNextPage: true });
    await store.db.deleteFrom('case_file').where('id', 'in', [asFormer, asBoth]).execute();
    for (const table of ['case_participant', 'case_application'] as const)
      await store.db.deleteFrom(table).where('case_id', 'in', [asFormer, asBoth]).execute();
    expect(await list(portal, null, null, 1)).toEqual({ ids: [young], totalCount: 2, hasNextPage: true });
    expect(await list(portal, null, young, 1)).toEqual({ ids: [shared], totalCount: 2, hasNextPage: false });
    expect(await list(principalOf('operator'))).toEqual(whole());
    for (const [principal, seen] of [
      [citizen, [old, shared]],
      [portal, [shared, young]],
      [clerk, [old, shared, young]],
      [principalOf('operator'), []],
    ] as const)
      for (const id of [old, shared, young])
        expect((await findVisible(store, keys, id, principal)) !== null).toBe(seen.includes(id as never));
  });
});
