import {
  feesOf,
  isLeikaKey,
  keywordsOf,
  plainLines,
  processingDaysOf,
  shorten,
  type Authority,
  type Channel,
  type Localised,
  type OfferRecord,
  type RegionalKey,
} from '#contract';
import { localKeyOf, type Competence, type Leistung, type Transfer } from './objects.ts';
import { malformed } from './reader.ts';

/** Text modules of LeiKa (codes of `leikaTextmodul`). */
const modules = { name: ['03', '02'], summary: ['05', '24'], documents: '08', authority: '22' } as const;
/** Competence of this role first: the body that decides. */
const DECIDES = '01';

/**
 * The offers of a transfer that hold for a municipality: services whose competence, or where none is stated whose validity,
 * covers it. A service that names no area at all holds for whoever exports it. One without a German name is set aside.
 */
export function* offersOf(file: string, transfer: Transfer, ars: string): Generator<OfferRecord> {
  const byService = new Map<string, { readonly owner: string; readonly competence: Competence }[]>();
  for (const [owner, places] of transfer.competences)
    for (const said of places.values())
      for (const competence of said) {
        const list = byService.get(competence.service) ?? [];
        list.push({ owner, competence });
        byService.set(competence.service, list);
      }
  for (const [key, service] of transfer.services) {
    const claims = (byService.get(key) ?? []).flatMap(({ owner, competence }) => {
      const area = competence.areas.length === 0 ? narrowest(service.areas, ars) : narrowest(competence.areas, ars);
      return area === null ? [] : [{ owner, competence, area }];
    });
    const units = claims
      .filter(({ owner }) => transfer.units.has(owner))
      .toSorted((a, b) => Number(b.competence.role === DECIDES) - Number(a.competence.role === DECIDES) || b.area.length - a.area.length);
    const stated = (byService.get(key) ?? []).some(({ owner }) => transfer.units.has(owner));
    const area = units[0]?.area ?? (stated ? null : narrowest(service.areas, ars));
    if (area === null) continue;
    // Who only helps or advises is not the authority.
    const decides = units.find(({ competence: { role } }) => role === DECIDES || role === '');
    const unit = decides && transfer.units.get(decides.owner);
    const online = claims.flatMap(({ owner }) => transfer.online.get(owner) ?? [])[0];
    const name = lineOf(service, modules.name, 200);
    if (name) yield toOffer(service, name, { area, unit, online });
    else {
      const { message: reason } = malformed(file, service.place, 'no German text in module 02 or 03: the service has no name');
      transfer.odd.set(key, { id: localKeyOf(service.id), reason });
    }
  }
}

interface Around {
  readonly area: string;
  readonly unit: { readonly name: string; readonly address: Record<'street' | 'postalCode' | 'town', string | undefined> } | undefined;
  readonly online: { readonly url: string; readonly assuranceLevel: OfferRecord['assuranceLevel'] | null } | undefined;
}

function toOffer(service: Leistung, name: Localised, { area, unit, online }: Around): OfferRecord {
  const [serviceKey = null, ...further] = service.keys.filter(isLeikaKey);
  const summary = lineOf(service, modules.summary, 500);
  const keywords = keywordsOf(...service.terms);
  const days = processingDaysOf(service.duration);
  const channels: Channel[] = [...(online ? ['ONLINE' as const] : []), ...(unit?.address.town === undefined ? [] : ['OFFICE' as const])];
  return {
    localKey: localKeyOf(service.id),
    serviceKey,
    ...(further.length > 0 ? { furtherServiceKeys: further } : {}),
    name,
    ...(summary ? { summary } : {}),
    ...(keywords.length > 0 ? { keywords } : {}),
    ...(area === '' ? {} : { area: area as RegionalKey }),
    authority: authorityOf(service, unit),
    channels,
    maturityLevel: online ? 2 : 1,
    fees: feesOf(service.costs),
    ...(days ? { processingDays: days } : {}),
    requiredDocuments: documentsOf(service),
    ...(online?.assuranceLevel ? { assuranceLevel: online.assuranceLevel } : {}),
    ...(online ? { onlineUrl: online.url } : {}),
    ...(service.validFrom === undefined ? {} : { validFrom: service.validFrom }),
    ...(service.validTo === undefined ? {} : { validTo: service.validTo }),
  };
}

/** The first module there is in German, its first line; English where that module has it. */
function lineOf(service: Leistung, codes: readonly string[], most: number): Localised | undefined {
  for (const code of codes) {
    const de = plainLines(service.modules[code]?.de ?? '')[0];
    const en = plainLines(service.modules[code]?.en ?? '')[0];
    if (de !== undefined) return { de: shorten(de, most), ...(en === undefined ? {} : { en: shorten(en, most) }) };
  }
  return undefined;
}

/** A line is a document. English lines are taken where they are as many. */
function documentsOf(service: Leistung): readonly Localised[] {
  const text = service.modules[modules.documents];
  const [de, en] = [plainLines(text?.de ?? ''), plainLines(text?.en ?? '')];
  return de.slice(0, 50).map((line, index) => ({
    de: shorten(line, 300),
    ...(en.length === de.length && en[index] !== undefined ? { en: shorten(en[index], 300) } : {}),
  }));
}

function authorityOf(service: Leistung, unit: Around['unit']): Authority {
  const name = unit?.name || plainLines(service.modules[modules.authority]?.de ?? '')[0];
  const address = Object.entries(unit?.address ?? {}).filter(([, value]) => value !== undefined);
  return { ...(name ? { name: shorten(name, 200) } : {}), ...Object.fromEntries(address) };
}

/**
 * The narrowest area that covers a municipality, as a regional key; empty for all of Germany; null where none does. Keys of
 * 12 digits that are no municipality are filled up with zeros: 050000000000 is North Rhine-Westphalia.
 */
export function narrowest(areas: readonly string[], ars: string): string | null {
  if (areas.length === 0) return ars;
  const covering = areas.flatMap((area) => {
    if (area === ars) return [area];
    if (/^0+$/.test(area)) return [''];
    const level = area.length < 12 ? area.length : [2, 3, 5, 9].find((digits) => /^0+$/.test(area.slice(digits)));
    const region = level === undefined ? area : area.slice(0, level);
    return ars.startsWith(region) ? [region] : [];
  });
  return covering.toSorted((a, b) => b.length - a.length)[0] ?? null;
}
