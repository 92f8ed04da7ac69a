import type { Json } from '#contract';
import { say, type Complaint, type NamedKey } from './complaint.ts';
import type { Path, Source } from './source.ts';

/** What the reference records know, for cities' files to be held against. */
export interface Known {
  /** Name of the municipality that has the key, or had it; null if there is none. */
  nameOf(ars: string): string | null;
  /** True if the key is of a municipality or of what it lies in: a state, a district, an association. */
  isRegion(key: string): boolean;
  /** Up to three municipalities of this name, else with a key that differs in a digit or two. */
  nearestMunicipalities(ars: string, name?: string): readonly NamedKey[];
  isService(key: string): boolean;
  /** Up to three services with a key that differs in a digit or two. */
  nearestServices(key: string): readonly NamedKey[];
}

/** What a file says of municipalities and services against what there is, wherever it names one. */
export function complaintsOfKnown(source: Source, known: Known): readonly Complaint[] {
  const {
    ars,
    name,
    adapters = {},
    ...rest
  } = source.value as { ars: string; name: string; adapters?: Record<string, Record<string, Json>> };
  const official = known.nameOf(ars);
  const own =
    official === null
      ? [source.complain(['ars'], say.unknownMunicipality(ars, known.nearestMunicipalities(ars)))]
      : fitsName(name, official)
        ? []
        : [source.complain(['name'], say.otherName(ars, official, name, known.nearestMunicipalities('', name)))];
  const inAdapters = Object.entries(adapters).flatMap(([id, { config = null, ...entry }]) => [
    ...complaintsOfKeys(source, entry, ['adapters', id], known),
    // What a system's own numbers look like nobody knows: there, only what must be a service's key.
    ...complaintsOfKeys(source, config, ['adapters', id, 'config'], known, 'services'),
  ]);
  return [...own, ...complaintsOfKeys(source, rest, [], known), ...inAdapters];
}

function complaintsOfKeys(source: Source, value: Json, path: Path, known: Known, only?: 'services'): readonly Complaint[] {
  if (value !== null && typeof value === 'object')
    return Object.entries(value).flatMap(([name, inner]) => {
      const at = [...path, Array.isArray(value) ? Number(name) : name];
      return [...complaintsOfKey(source, name, at, known, 'services', 'key'), ...complaintsOfKeys(source, inner, at, known, only)];
    });
  return typeof value === 'string' ? complaintsOfKey(source, value, path, known, only) : [];
}

function complaintsOfKey(source: Source, key: string, at: Path, known: Known, only?: 'services', place?: 'key'): readonly Complaint[] {
  if (/^99\d{12}$/.test(key))
    return known.isService(key) ? [] : [source.complain(at, say.unknownService(key, known.nearestServices(key)), place)];
  const [, ars] = (only === undefined ? /^L?(\d{12})(?:\.|$)/ : /^L(\d{12})\./).exec(key) ?? [];
  return ars === undefined || known.nameOf(ars) !== null
    ? []
    : [source.complain(at, say.unknownMunicipality(ars, known.nearestMunicipalities(ars)), place)];
}

const umlauts: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss' };

const wordsOf = (name: string): readonly string[] =>
  name
    .toLowerCase()
    .replaceAll(/[äöüß]/g, (letter) => umlauts[letter] ?? letter)
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');

/** A city may name itself more fully than the list does, or less: `Stadt Neuss`, `Neuss am Rhein`, `Frankfurt`. It has a word in common. */
function fitsName(name: string, official: string): boolean {
  const words = new Set(wordsOf(official).filter((word) => !general.has(word)));
  return wordsOf(name).some((word) => words.has(word));
}

/** Words that many municipalities have in their names and that tell none from another. */
const general = new Set('am an auf bei der die das im in ob und unter vor bad sankt st stadt gemeinde markt'.split(' '));
