import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openList, type EventSchema, type FactSchema } from '../../src/events/catalogue.ts';
import { breakages, refusal, releasedSchemas, valuesOf } from '../kit/event-compat.ts';
import { eventSchemas } from '../kit/event-schemas.ts';

const releases = [...releasedSchemas()];
const pairs = releases.flatMap(([version, schemas]) =>
  [...schemas].map(([type, before]) => ({ version, type, before, now: eventSchemas.get(type as never) ?? before })),
);

describe('events and the readers of every release', () => {
  test('releases are kept', () => {
    expect(releases.map(([version]) => version)).toContain('0.1.0');
    expect(pairs.length).toBeGreaterThan(0);
  });

  test.each(releases)('nothing was done since %s that breaks a reader', (_, schemas) => {
    expect(breakages(schemas, eventSchemas)).toEqual([]);
  });

  test.each(pairs)('a reader of $version understands what $type is today, and a reader of today what it was', ({ before, now }) => {
    for (const example of now.examples) expect(refusal(before, example)).toBeNull();
    for (const example of before.examples) expect(refusal(now, example)).toBeNull();
    for (const [writer, reader] of [
      [now, before],
      [before, now],
    ] as const)
      fc.assert(
        fc.property(valuesOf(writer), (value) => {
          expect(refusal(reader, value)).toBeNull();
        }),
      );
  });
});

const before = eventSchemas.get('move.evaluated')!;
const type = 'move.evaluated';
const changed = (change: Partial<EventSchema>): ReadonlyMap<string, EventSchema> => new Map([[type, { ...before, ...change }]]);
const withFact = (name: string, change: Partial<FactSchema>, drop: readonly string[] = []) => {
  const kept = Object.fromEntries(Object.entries(before.properties[name]!).filter(([key]) => !drop.includes(key)));
  return changed({ properties: { ...before.properties, [name]: { ...kept, ...change } } });
};
const { result, ...others } = before.properties;
const closed = result!.enum!;

/** Planted breakages: what was done, what is said of it, and a sample in one direction or the other that fails for it where one can. */
const planted: readonly { did: string; after: ReadonlyMap<string, EventSchema>; says: string; sample: 'old' | 'new' | 'none' }[] = [
  { did: 'an event removed', after: new Map(), says: 'move.evaluated: the event was removed', sample: 'none' },
  {
    did: 'a fact renamed',
    after: changed({
      properties: { ...others, verdict: result! },
      required: before.required.map((one) => (one === 'result' ? 'verdict' : one)),
    }),
    says: 'move.evaluated result: the fact was removed or renamed',
    sample: 'new',
  },
  {
    did: 'a fact retyped',
    after: withFact('step', { type: 'integer' }, ['pattern']),
    says: 'move.evaluated step: was string, is integer',
    sample: 'new',
  },
  {
    did: 'a fact that may be null',
    after: withFact('step', { type: ['string', 'null'] }),
    says: 'move.evaluated step: was string, is null or string',
    sample: 'new',
  },
  {
    did: 'a new fact required',
    after: changed({ properties: { ...before.properties, office: { type: 'string' } }, required: [...before.required, 'office'] }),
    says: 'move.evaluated office: is required now',
    sample: 'old',
  },
  {
    did: 'a fact no longer required',
    after: changed({ required: before.required.filter((one) => one !== 'dueAt') }),
    says: 'move.evaluated dueAt: was required and is optional',
    sample: 'new',
  },
  {
    did: 'a value added to a closed list',
    after: withFact('result', { enum: [...closed, 'UNKNOWN_PERSON'] }),
    says: 'move.evaluated result: the value UNKNOWN_PERSON was added to a list that is not open',
    sample: 'new',
  },
  {
    did: 'a value removed',
    after: withFact('result', { enum: closed.slice(1) }),
    says: 'move.evaluated result: the value ACCEPTED was removed',
    sample: 'old',
  },
  {
    did: 'a closed list opened',
    after: withFact('result', { $comment: openList }),
    says: 'move.evaluated result: the list was closed and is open',
    sample: 'none',
  },
  {
    did: 'a pattern loosened',
    after: withFact('step', { pattern: '^.{0,200}$' }),
    says: 'move.evaluated step: pattern was ^[a-z][a-z0-9-]{0,99}$, is ^.{0,200}$',
    sample: 'new',
  },
  {
    did: 'a pattern tightened',
    after: withFact('step', { pattern: '^evaluate$' }),
    says: 'move.evaluated step: pattern was',
    sample: 'old',
  },
  {
    did: 'items of a list loosened',
    after: withFact('to', { items: { type: 'string' } }),
    says: 'move.evaluated to[]: pattern was ^\\d{12}$, is not set',
    sample: 'new',
  },
];

describe('the gate', () => {
  test.each(planted)('refuses $did, with what and where', ({ after, says }) => {
    expect(breakages(new Map([[type, before]]), after)).toEqual(expect.arrayContaining([expect.stringContaining(says)]));
  });

  test.each(planted.filter(({ sample }) => sample !== 'none'))('and events show why: $did', ({ after, sample }) => {
    const now = after.get(type)!;
    const [writer, reader] = sample === 'new' ? [now, before] : [before, now];
    const refused = fc.check(
      fc.property(valuesOf(writer), (value) => refusal(reader, value) === null),
      { numRuns: 500, seed: 7 },
    );
    expect(refused.failed).toBe(true);
  });

  test.each<[string, ReadonlyMap<string, EventSchema>]>([
    ['another event', new Map([...changed({}), ['move.cancelled', before]])],
    ['an optional fact', changed({ properties: { ...before.properties, office: { type: 'string' } } })],
    ['other words', withFact('step', { description: 'Said better.' })],
    ['another example', changed({ examples: [] })],
  ])('lets %s pass', (_, after) => {
    expect(breakages(new Map([[type, before]]), after)).toEqual([]);
  });

  test('lets a value be added to an open list', () => {
    const outcome = eventSchemas.get('case.closed')!;
    const longer = { ...outcome.properties['outcome']!, enum: [...outcome.properties['outcome']!.enum!, 'MERGED'] };
    const after = { ...outcome, properties: { ...outcome.properties, outcome: longer } };
    expect(breakages(new Map([['case.closed', outcome]]), new Map([['case.closed', after]]))).toEqual([]);
    expect(refusal(outcome, { municipality: '051110000000', outcome: 'MERGED' })).toBeNull();
  });
});
