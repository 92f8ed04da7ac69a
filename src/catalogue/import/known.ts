import { distance } from 'fastest-levenshtein';
import type { NamedKey } from '../../cities/load/complaint.ts';
import type { Known } from '../../cities/load/known.ts';
import { readMunicipalities, readReferenceFiles, readServices } from './reference-files.ts';

/** How many suggestions a complaint bears. */
const most = 3;
/** In how many digits a mistyped key differs at most. */
const mostDigits = 2;

const readOnce = new Map<string, Promise<Known>>();

/**
 * What the reference records of a folder know, without a store: for files that are checked before there is one. Read once.
 * @throws HubError IMPORT_REFUSED if a reference file cannot be read
 */
export function readKnown(folder: string): Promise<Known> {
  let known = readOnce.get(folder);
  if (known === undefined) readOnce.set(folder, (known = read(folder)));
  return known;
}

async function read(folder: string): Promise<Known> {
  const files = await readReferenceFiles(folder);
  const municipalities = new Map(readMunicipalities(files).map(({ ars, name }) => [ars, name]));
  const services = new Map(readServices(files).rows.map(({ key, name_de }) => [key, name_de]));
  const regions = new Set([...municipalities.keys()].flatMap((ars) => [2, 3, 5, 9].map((length) => ars.slice(0, length))));
  return {
    nameOf: (ars) => municipalities.get(ars) ?? null,
    isRegion: (key) => municipalities.has(key) || regions.has(key),
    nearestMunicipalities: (ars, name) => {
      const named = [...municipalities].flatMap(([key, known]) => (known === name ? [{ key, name: known }] : []));
      return named.length > 0 ? named.slice(0, most) : nearest(ars, municipalities);
    },
    isService: (key) => services.has(key),
    nearestServices: (key) => nearest(key, services),
  };
}

const shared = (one: string, other: string): number => {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
};

function nearest(wanted: string, names: ReadonlyMap<string, string>): readonly NamedKey[] {
  return (
    [...names]
      .map(([key, name]) => ({ key, name, far: distance(wanted, key) }))
      .filter(({ far }) => far <= mostDigits)
      // Of keys that are equally near, those of the same object: mistakes are made at the end.
      .toSorted((one, other) => one.far - other.far || shared(wanted, other.key) - shared(wanted, one.key))
      .slice(0, most)
      .map(({ key, name }) => ({ key, name }))
  );
}
