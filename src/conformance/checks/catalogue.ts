import { isDeepStrictEqual } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Json, OfferRecord } from '#contract';
import { collect, fail, notApplicable, pass, unverified, type Check, type Finding, type Opened } from '../check.ts';
import type { FaultName } from '../faults.ts';
import { settle } from './observe.ts';

/** Faults are aimed at no more requests of one listing than this. */
const MOST_TARGETS = 5;

const list = (opened: Opened): Promise<OfferRecord[]> => opened.read((adapter, call) => collect(adapter.catalogue!.listOffers(call)));

const noOffers: Finding = unverified('the catalogue lists no offer', 'put at least two offers into the back office’s catalogue');

const complete: Check = {
  id: 'catalogue.list-complete-or-throws',
  level: 'MUST',
  title: 'A listing is complete or fails: where a part could not be read, offers never just stay out.',
  remedy: 'throw where any page or part fails or does not look like one; an empty answer is not an empty catalogue',
  port: 'catalogue',
  async run(bench) {
    const opened = await bench.open();
    const whole = await list(opened);
    if (whole.length === 0) return noOffers;
    const exchanges = opened.exchanges();
    const http = exchanges.some(({ method }) => method !== null);
    const names: FaultName[] = http ? ['reset', 'cut-body', '500', 'empty-200', 'wrong-shape', '401-midway'] : ['reset', 'cut-body'];
    for (let from = 1; from <= Math.min(exchanges.length, MOST_TARGETS); from++) {
      for (const name of names) {
        await opened.fault({ name, from, times: 1 });
        const { value } = await settle(list(opened));
        const hit = opened.exchanges().some(({ fault }) => fault !== null);
        await opened.fault(null);
        if (hit && value && value.length < whole.length)
          return fail(
            `every offer or an error, with ${name} at request ${from}`,
            `${value.length} of ${whole.length} offers, as if that were all`,
            this.remedy,
          );
      }
    }
    return pass;
  },
};

const keys: Check = {
  id: 'catalogue.keys-stable',
  level: 'MUST',
  title: 'Every offer has one localKey, the same in every listing, and no two offers share one.',
  remedy: 'take the key the back office itself gives its offer, never a position, a name or a random number',
  port: 'catalogue',
  async run(bench) {
    const opened = await bench.open();
    const other = await bench.open();
    const first = (await list(opened)).map(({ localKey }) => localKey);
    const second = new Set((await list(other)).map(({ localKey }) => localKey));
    if (first.length === 0) return noOffers;
    if (first.some((key) => typeof key !== 'string' || key === ''))
      return fail('a localKey with every offer', 'an offer without one', this.remedy);
    const double = first.find((key, index) => first.indexOf(key) !== index);
    if (double !== undefined) return fail('a localKey of its own for every offer', `“${double}” twice in one listing`, this.remedy);
    const moved = first.filter((key) => !second.has(key)).length;
    return moved === 0 && second.size === first.length
      ? pass
      : fail(
          'the same keys in a second listing',
          `${Math.max(moved, Math.abs(second.size - first.length))} of ${first.length} differ`,
          this.remedy,
        );
  },
};

const forms: Check = {
  id: 'catalogue.forms-are-json-schema',
  level: 'MUST',
  title: 'Every form is a JSON Schema (2020-12) of an object and has a revision.',
  remedy: 'translate the form of the back office into JSON Schema 2020-12 with type: object',
  port: 'catalogue',
  async run(bench) {
    const offers = await list(await bench.open());
    if (offers.length === 0) return noOffers;
    const having = offers.flatMap(({ localKey, form }) => (form ? [{ localKey, form }] : []));
    if (having.length === 0) return notApplicable('no offer has a form');
    for (const { localKey, form } of having) {
      if (typeof form.revision !== 'string' || form.revision === '')
        return fail(`a revision of the form of ${localKey}`, 'none', this.remedy);
      const said = wrongSchema(form.schema);
      if (said) return fail(`a JSON Schema 2020-12 for ${localKey}`, said, this.remedy);
    }
    return pass;
  },
};

/** In a sentence what keeps it from being the schema of a form; null if nothing does. */
function wrongSchema(schema: Json): string | null {
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema)) return 'no schema at all';
  if ((schema as { type?: Json }).type !== 'object') return 'a schema whose type is not object';
  try {
    // As the hub compiles it: an unknown keyword would accept everything. A compiler of its own each time: two forms may use one $id.
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
    addFormats.default(ajv, { keywords: true });
    ajv.addVocabulary([...ownKeywords(schema)]);
    ajv.compile(schema as Record<string, Json>);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 200) : 'a schema that does not compile';
  }
}

/** Names of annotations, which the hub lets pass. */
function ownKeywords(value: Json, found: Set<string> = new Set()): Set<string> {
  if (value === null || typeof value !== 'object') return found;
  for (const [name, part] of Object.entries(value as Record<string, Json>)) {
    if (name.startsWith('x-')) found.add(name);
    ownKeywords(part, found);
  }
  return found;
}

const revision: Check = {
  id: 'catalogue.revision-changes-with-form',
  level: 'MUST',
  title: 'A form that changes gets another revision, and one that does not keeps it.',
  remedy: 'take the revision from the back office where it grows with the form, or make it a hash of the schema',
  port: 'catalogue',
  async run(bench) {
    const opened = await bench.open();
    const before = await list(opened);
    if (before.length === 0) return noOffers;
    if (!before.some(({ form }) => form)) return notApplicable('no offer has a form');
    const again = compare(before, await list(opened));
    if (again.moved) return fail(`the same revision of the unchanged form of ${again.moved}`, 'another one', this.remedy);
    if (!(await bench.changeForm()))
      return unverified('nothing changes a form', 'give samples.changeForm: how to change a form in the back office’s catalogue');
    const after = compare(before, await list(opened));
    if (after.stale) return fail(`another revision of the changed form of ${after.stale}`, 'the same one', this.remedy);
    return after.changed ? pass : unverified('no form changed', 'let samples.changeForm change a form that the catalogue lists');
  },
};

/** `stale`: changed under the same revision; `moved`: another revision without a change. Each the key of an offer, or null. */
function compare(before: readonly OfferRecord[], after: readonly OfferRecord[]) {
  const later = new Map(after.map(({ localKey, form }) => [localKey, form]));
  const pairs = before.flatMap(({ localKey, form }) => {
    const other = later.get(localKey);
    if (!form || !other) return [];
    return [{ localKey, same: isDeepStrictEqual(form.schema, other.schema), kept: form.revision === other.revision }];
  });
  return {
    changed: pairs.some(({ same }) => !same),
    stale: pairs.find(({ same, kept }) => !same && kept)?.localKey ?? null,
    moved: pairs.find(({ same, kept }) => same && !kept)?.localKey ?? null,
  };
}

/** The catalogue as the back office lists it. */
export const catalogueChecks: readonly Check[] = [complete, keys, forms, revision];
