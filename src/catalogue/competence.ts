import { parseServiceKey, regionsAbove, type Problem, type RegionalKey, type ServiceKey } from '#contract';
import type { Competence, Municipality, Offer, Place } from './catalogue.ts';
import { holdsOn } from './days.ts';
import { readPlace, type MunicipalityLookup } from './places.ts';

/** What deciding on competence needs to know. */
export interface CompetenceView extends MunicipalityLookup {
  /** Names of a service, its own first, or null if the catalogue does not know it. */
  namesOf(service: ServiceKey): readonly string[] | null;
  /** Keys under which an offer of the service may stand, best first. */
  keysAnswering(service: ServiceKey): readonly ServiceKey[];
  /** Every key a municipality has or had, the asked one first. */
  keysOfMunicipality(ars: RegionalKey): readonly RegionalKey[];
  /** Offers that hold for exactly this region and stand under exactly this key. */
  offersAt(region: RegionalKey, key: ServiceKey): readonly Offer[];
}

/**
 * Who is responsible for a service in a place on a day.
 *
 * The place is read first: a postal code of several municipalities is a question back, always, since only the citizen
 * knows where they live; so is one that may have become another municipality's, and one of a single large receiver.
 * From the municipality the search goes up, ARS 12 → 9 → 5 → 3 → 2 digits, and ends at the first
 * region with an offer that holds on the day. Within a region the asked key goes before its equivalents, and those
 * before broader keys; of several offers under one key, the one called most like the service.
 */
export function decideCompetence(view: CompetenceView, service: string, place: Place, day: string): Competence {
  const key = parseServiceKey(service);
  if (!key)
    return notFound({
      code: 'INVALID_INPUT',
      path: ['service'],
      facts: { what: 'service', found: service.slice(0, 40) || '–', expected: leikaKey },
    });
  const reading = readPlace(place, day, view);
  if (reading.kind === 'malformed')
    return notFound({
      code: 'INVALID_INPUT',
      path: ['place', reading.field],
      facts: { what: reading.field, found: reading.found, expected: reading.expected },
    });
  if (!view.namesOf(key)) return notFound({ code: 'UNKNOWN_SERVICE', path: ['service'], facts: { key } });
  if (reading.doubt) {
    const code = reading.doubt === 'bulk' ? 'BULK_POSTAL_CODE' : 'POSTAL_CODE_UNCERTAIN';
    return { found: false, problem: { code, path: ['place'], facts: { place: reading.label } }, candidates: reading.municipalities };
  }
  const [municipality, ...others] = reading.municipalities;
  if (!municipality) return notFound({ code: 'UNKNOWN_PLACE', path: ['place'], facts: { place: reading.label } });
  if (others.length > 0) {
    const problem: Problem = {
      code: 'AMBIGUOUS_PLACE',
      path: ['place'],
      facts: { place: reading.label, count: reading.municipalities.length },
    };
    return { found: false, problem, candidates: reading.municipalities };
  }
  return inMunicipality(view, key, municipality, day);
}

const leikaKey = { de: 'ein Leistungsschlüssel aus 14 Ziffern, die mit 99 beginnen', en: 'a service key of 14 digits that begin with 99' };

const notFound = (problem: Problem): Competence => ({ found: false, problem });

function inMunicipality(view: CompetenceView, key: ServiceKey, { ars, name }: Municipality, day: string): Competence {
  const walked = walkUp(view, ars, key, day);
  if (walked.offer) return { found: true, offer: walked.offer, resolvedFrom: ars, path: walked.path };
  return notFound({ code: 'NO_COMPETENT_AUTHORITY', path: ['place'], facts: { place: name, service: key } });
}

/** The offer that answers for a service in a municipality, and the regions walked until it was found. */
export function walkUp(
  view: CompetenceView,
  ars: RegionalKey,
  service: ServiceKey,
  day: string,
): { readonly offer: Offer | null; readonly path: readonly RegionalKey[] } {
  const names = view.namesOf(service) ?? [];
  const keys = view.keysAnswering(service);
  const path: RegionalKey[] = [];
  for (const region of regionsAbove(ars)) {
    path.push(region);
    // A city whose key changed may still file its offers under the old one; its former district is not asked.
    const regions = region.length >= 9 ? view.keysOfMunicipality(ars).map((key) => key.slice(0, region.length) as RegionalKey) : [region];
    for (const key of keys) {
      const offers = regions.flatMap((place) => view.offersAt(place, key)).filter((offer) => holdsOn(day, offer.record));
      const offer = mostAlike(offers, names);
      if (offer) return { offer, path };
    }
  }
  return { offer: null, path };
}

/** Of several offers the one called most like the service; by id where names do not decide. */
export function mostAlike(offers: readonly Offer[], names: readonly string[]): Offer | null {
  let best: { readonly offer: Offer; readonly likeness: number } | null = null;
  for (const offer of offers) {
    const likeness = offers.length === 1 ? 1 : Math.max(0, ...names.map((name) => alike(name, offer.record.name.de)));
    if (!best || likeness > best.likeness || (likeness === best.likeness && offer.id < best.offer.id)) best = { offer, likeness };
  }
  return best?.offer ?? null;
}

/** Likeness of two names from 0 to 1: shared trigrams (Dice). */
function alike(a: string, b: string): number {
  const [left, right] = [trigrams(a), trigrams(b)];
  const shared = [...left].filter((gram) => right.has(gram)).length;
  return left.size + right.size === 0 ? 0 : (2 * shared) / (left.size + right.size);
}

function trigrams(text: string): Set<string> {
  const padded = `  ${text.toLowerCase()} `;
  return new Set(Array.from({ length: Math.max(0, padded.length - 2) }, (_, index) => padded.slice(index, index + 3)));
}
