import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeOnEachPort, startTowns, townArs, type Submitted, type TownName, type Towns } from '../kit/towns.ts';

/* A family wishes for a day-care place in Düsseldorf, Köln and Neuss: three applications of one wish group, one case. */

const service = '99041004034000';
const patience = { timeout: 25_000, interval: 50 };
const three = ['duesseldorf', 'koeln', 'neuss'] as const;
const form = (wishGroup?: string, wishRank?: number) => ({
  childGivenName: 'Kanarienvogel',
  childDateOfBirth: '2024-02-29',
  from: `${new Date().getUTCFullYear() + 1}-08-01`,
  hoursPerWeek: 35,
  wishes: ['Kita am Rhein'],
  ...(wishGroup === undefined ? {} : { wishGroup }),
  ...(wishRank === undefined ? {} : { wishRank }),
});

describeOnEachPort('day-care wishes in several cities', (environment) => {
  let towns: Towns;
  beforeAll(async () => {
    towns = await startTowns({ towns: three, env: await environment() });
  });
  afterAll(() => towns?.close());

  /** A wish in each town, ranked or not, all of them with their back offices and in one case. */
  async function wish(ranks: Partial<Record<TownName, number>> = {}): Promise<Record<(typeof three)[number], Submitted>> {
    const group = randomUUID();
    const [duesseldorf, koeln, neuss] = await Promise.all(three.map((town) => towns.submit(town, service, form(group, ranks[town]))));
    if (!duesseldorf || !koeln || !neuss) throw new Error('a wish is missing');
    await expect.poll(async () => (await towns.caseOf(duesseldorf))?.waiting.length, patience).toBe(3);
    for (const town of three) await expect.poll(() => towns.status({ duesseldorf, koeln, neuss }[town]), patience).toBe('RECEIVED');
    return { duesseldorf, koeln, neuss };
  }
  const outcome = async (one: Submitted) => (await towns.caseOf(one))?.outcome?.code;

  test('one city takes the child: the other wishes are withdrawn in their back offices, and everybody concerned sees why', async () => {
    const wishes = await wish();
    towns.decide('koeln', wishes.koeln, 'genehmigt');
    await expect.poll(() => outcome(wishes.koeln), patience).toBe('PLACE_ACCEPTED');
    expect(await Promise.all(three.map((town) => towns.status(wishes[town])))).toEqual(['WITHDRAWN', 'GRANTED', 'WITHDRAWN']);
    for (const town of ['duesseldorf', 'neuss'] as const) {
      const [filed, ...more] = towns.filed(town, wishes[town]);
      expect(filed).toMatchObject({ status: 'zurückgezogen' });
      expect(more).toEqual([]);
    }
    const references = await Promise.all(three.map(async (town) => (await towns.caseOf(wishes[town]))?.reference));
    expect(new Set(references).size, 'one case').toBe(1);
    const seen = await towns.findCase(references[0] ?? '', 'clerk-neuss');
    const released = seen?.history.nodes.filter(({ type }) => type === 'kita.wish-released').map(({ facts }) => facts['to']);
    expect(released).toEqual(expect.arrayContaining([[townArs.duesseldorf], [townArs.neuss]]));
    expect(JSON.stringify(seen)).not.toMatch(/Kanarienvogel|2024-02-29|Kita am Rhein/);
  });

  test('a place that ranks lower leaves the better wish open, and releases the worse', async () => {
    const wishes = await wish({ duesseldorf: 1, koeln: 2, neuss: 3 });
    towns.decide('koeln', wishes.koeln, 'genehmigt');
    await expect.poll(() => towns.status(wishes.neuss), patience).toBe('WITHDRAWN');
    await expect
      .poll(async () => (await towns.caseOf(wishes.koeln))?.waiting, patience)
      .toMatchObject([{ awaits: 'BACK_OFFICE', code: 'DECIDE', municipality: { ars: townArs.duesseldorf } }]);
    towns.decide('duesseldorf', wishes.duesseldorf, 'abgelehnt');
    await expect.poll(() => outcome(wishes.koeln), patience).toBe('PLACE_ACCEPTED');
    expect(await towns.status(wishes.koeln)).toBe('GRANTED');
  });

  const tasksOf = async (town: TownName, reference: string) =>
    (await towns.tasks(town)).filter((task) => task.case.reference === reference);
  const statuses = (wishes: Record<(typeof three)[number], Submitted>) => Promise.all(three.map((town) => towns.status(wishes[town])));

  test('two places: both cities see it without a name, the city of the lower rank is asked, one place stays', async () => {
    const wishes = await wish({ duesseldorf: 2, koeln: 1, neuss: 3 });
    towns.decide('duesseldorf', wishes.duesseldorf, 'genehmigt');
    await expect.poll(() => towns.status(wishes.neuss), patience).toBe('WITHDRAWN');
    towns.decide('koeln', wishes.koeln, 'genehmigt');
    const reference = (await towns.caseOf(wishes.koeln))?.reference ?? '';
    await expect
      .poll(() => tasksOf('duesseldorf', reference), patience)
      .toMatchObject([
        {
          code: 'DOUBLE',
          choices: [
            { code: 'RELEASE', text: 'Dieser Platz wird frei' },
            { code: 'KEEP', text: 'Dieser Platz bleibt belegt' },
          ],
        },
      ]);
    expect(await tasksOf('koeln', reference)).toEqual([]);
    for (const town of ['duesseldorf', 'koeln'] as const) {
      const seen = await towns.findCase(reference, `clerk-${town}`);
      const [found, ...more] = seen?.history.nodes.filter(({ type }) => type === 'kita.double-place-found') ?? [];
      expect(found?.facts['cities']).toEqual(expect.arrayContaining([townArs.duesseldorf, townArs.koeln]));
      expect(more).toEqual([]);
    }
    const [task] = await tasksOf('duesseldorf', reference);
    expect(await towns.answer('koeln', reference, task?.step ?? '', 'RELEASE')).toMatchObject({ code: 'NOT_AWAITED' });
    expect(await towns.answer('duesseldorf', reference, task?.step ?? '', 'RELEASE')).toMatchObject({ replayed: false });
    expect(await towns.answer('duesseldorf', reference, task?.step ?? '', 'RELEASE')).toMatchObject({ replayed: true });
    await expect.poll(() => outcome(wishes.koeln), patience).toBe('PLACE_ACCEPTED');
    expect(await statuses(wishes)).toEqual(['WITHDRAWN', 'GRANTED', 'WITHDRAWN']);
  });

  test('cities that decide at the same moment: whoever is heard first, the best place stays, and no other', async () => {
    const wishes = await wish({ duesseldorf: 2, koeln: 1, neuss: 3 });
    for (const town of three) towns.decide(town, wishes[town], 'genehmigt');
    const { reference = '' } = (await towns.caseOf(wishes.koeln)) ?? {};
    // A withdrawal may have crossed a decision and settle it; what is left is asked of the clerks.
    const settled = async () => {
      for (const town of three) for (const { step } of await tasksOf(town, reference)) await towns.answer(town, reference, step, 'RELEASE');
      return outcome(wishes.koeln);
    };
    await expect.poll(settled, patience).toBe('PLACE_ACCEPTED');
    expect(await statuses(wishes)).toEqual(['WITHDRAWN', 'GRANTED', 'WITHDRAWN']);
  });

  test('nobody joins the wishes of somebody else, whatever key they guess', async () => {
    const group = randomUUID();
    const own = await towns.submit('duesseldorf', service, form(group));
    const foreign = await towns.submit('neuss', service, form(group), 'citizen2');
    await expect.poll(() => towns.caseOf(own), patience).toMatchObject({ participants: [{ ars: townArs.duesseldorf }] });
    await expect.poll(() => towns.caseOf(foreign, 'citizen2'), patience).toMatchObject({ participants: [{ ars: townArs.neuss }] });
    expect(await towns.caseOf(own, 'citizen2'), 'not visible to others').toBeNull();
  });

  test('a wish without a group is an ordinary application', async () => {
    const alone = await towns.submit('neuss', service, form());
    await expect.poll(() => towns.status(alone), patience).toBe('RECEIVED');
    expect(await towns.caseOf(alone)).toBeNull();
  });
});
