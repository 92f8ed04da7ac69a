import type { Kysely } from 'kysely';
import type { KeyRules, MunicipalityKey, RegionalKey, ServiceKey } from '#contract';
import type { Database } from '../../src/infra/store/schema.ts';

/* Ways to compare keys as texts, for test/architecture.test.ts: what ends in a mark must be found, and nothing else. */

const registration = '99115005104000';

export const ofServices = (
  key: ServiceKey,
  other: ServiceKey,
  maybe: ServiceKey | null,
  all: readonly ServiceKey[],
  set: ReadonlySet<ServiceKey>,
) => [
  key === other, // wrong
  key !== other, // wrong
  registration === key, // wrong
  maybe === key, // wrong
  (key as string) === 'x', // wrong
  maybe === null || key.length === 14,
  all.includes(key), // wrong
  all.indexOf(key) >= 0, // wrong
  all.some((one) => one === key), // wrong
  [registration].includes(key), // wrong
  set.has(key), // wrong
  new Set<string>([registration]).has(key), // wrong
  new Map<string, number>([[registration, 1]]).has(key), // wrong
  key.startsWith('99115005'), // wrong
  key.slice(0, 8) === '99115005', // wrong
  Object.is(key, other), // wrong
  Object.hasOwn({ [registration]: 1 }, key), // wrong
  `${key} ` === registration, // wrong
  String(key) === registration, // wrong
  key < other,
];

export function inSwitch(key: ServiceKey): boolean {
  // oxfmt-ignore
  switch (key) { // wrong
    case registration as ServiceKey:
      return true;
    default:
      return false;
  }
}

export const ofMunicipalities = (ars: RegionalKey, other: string, ags: MunicipalityKey, keys: KeyRules) => [
  ars === other, // wrong
  other === ars, // wrong
  ags === other.slice(0, 8), // wrong
  [other].includes(ars), // wrong
  keys.sameMunicipality(ars, other),
];

export const inSql = (db: Kysely<Database>, ars: RegionalKey, key: ServiceKey, keys: KeyRules) => [
  db.selectFrom('application').where('ars', '=', ars), // wrong
  db.selectFrom('application').where('application.ars', 'in', [ars]), // wrong
  db.selectFrom('offer').where('service_key', '<>', key), // wrong
  db.selectFrom('case_participant').where('ars', 'in', [...keys.keysOfMunicipality(ars)]),
  db.selectFrom('application').where('status', '=', 'PARKED'),
];
