import type { RegionalKey, ServiceKey } from '#contract';
import { canWithdraw } from '../applications/withdraw.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Cities } from '../cities/cities.ts';
import type { CaseApplication, CaseKind, Marks, TreatyPartner, World } from './kind.ts';
import type { MarkedRow } from './records.ts';

/** How long a city that was asked may take where the file of the asking one does not say. */
export const answerWithinHoursDefault = 72;

/** Makes the worlds that decisions see. */
export interface Worlds {
  world(kind: CaseKind, now: Date, sameApplicant: readonly CaseApplication[] | null): World;
  application(row: MarkedRow): CaseApplication;
}

export function createWorlds({ catalogue, cities }: { readonly catalogue: Catalogue; readonly cities: Cities }): Worlds {
  return {
    world: (kind, now, sameApplicant) => ({
      now,
      sameApplicant,
      isConnected: (ars) => cities.findByArs(ars) !== null,
      keys: catalogue.keys,
      offers: (ars, service) => catalogue.findOfferFor(ars, service, now) !== null,
      partners: (ars, service) => partnersOf(cities, catalogue, ars, service),
      answerDue: (asking) => {
        const hours = cities.findByArs(asking)?.coordination?.[kind.id]?.answerWithinHours ?? answerWithinHoursDefault;
        return new Date(now.getTime() + hours * 3_600_000);
      },
    }),
    application(row) {
      const { asked = row.service_key, ...marks } = JSON.parse(row.marks) as Marks;
      return {
        id: row.id,
        service: row.service_key,
        asked: asked as ServiceKey,
        ars: row.ars,
        status: row.status,
        canWithdraw: canWithdraw(cities, row),
        marks,
      };
    },
  };
}

/** A treaty holds where both cities name each other, each under its own key of the service. */
function partnersOf(cities: Cities, { keys }: Catalogue, ars: RegionalKey, service: ServiceKey): readonly TreatyPartner[] {
  const treatiesOf = (of: string) => (cities.findByArs(of)?.treaties ?? []).filter((treaty) => keys.concerns(treaty.service, service));
  const named = new Set(treatiesOf(ars).flatMap((treaty) => treaty.with));
  return [...named].flatMap((city) => {
    const theirs = treatiesOf(city).find((treaty) => treaty.with.some((one) => keys.sameMunicipality(one, ars)));
    return theirs && !keys.sameMunicipality(city, ars) ? [{ city, service: theirs.service }] : [];
  });
}
