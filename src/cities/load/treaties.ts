import { spelledAlike, type RegionalKey, type ServiceKey } from '#contract';
import type { City, Treaty } from '../cities.ts';
import { say, type Complaint } from './complaint.ts';
import type { Source } from './source.ts';

/** One of `treaties` in a city's file after its shape was checked. */
export interface TreatyEntry {
  readonly service: string;
  readonly with: readonly string[];
  readonly recognises: true;
}

/** A treaty as the hub knows it. */
export const toTreaty = ({ service, with: partners }: TreatyEntry): Treaty => ({
  service: service as ServiceKey,
  with: partners as readonly RegionalKey[],
});

/** What is wrong with the treaties of one file. */
export function complaintsOfTreaties(
  source: Source,
  { ars, treaties = [] }: { readonly ars: string; readonly treaties?: readonly TreatyEntry[] },
): readonly Complaint[] {
  const known = new Set<string>();
  return treaties.flatMap(({ service, with: partners }, index) =>
    partners.flatMap((partner, at) => {
      const path = ['treaties', index, 'with', at];
      if (partner === ars) return [source.complain(path, say.treatyWithItself())];
      const mark = `${service} ${partner}`;
      if (known.has(mark)) return [source.complain(path, say.treatyTwice(partner, service))];
      known.add(mark);
      return [];
    }),
  );
}

/**
 * Treaties that one side alone names. They do not hold, and keep nobody out: a city must not fall away because another has
 * changed its file. Whether both mean the same service is for the catalogue to say: each may use its own key.
 */
export function notesOnTreaties(sources: ReadonlyMap<City, Source>): readonly Complaint[] {
  const byArs = new Map([...sources.keys()].map((city) => [city.ars, city]));
  return [...sources].flatMap(([{ ars, name, treaties = [] }, source]) =>
    treaties.flatMap(({ with: partners }, index) =>
      partners.flatMap((partner, at) => {
        const other = byArs.get(partner);
        // Files are read before anything is known of former keys.
        const named = other?.treaties?.some((treaty) => treaty.with.some((one) => spelledAlike(one, ars))) ?? false;
        return named ? [] : [source.complain(['treaties', index, 'with', at], say.treatyOneSided(other?.name ?? partner, name))];
      }),
    ),
  );
}
