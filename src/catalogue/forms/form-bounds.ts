/*
 * What checking a form may cost. The cost of one value is how many parts of the form look at it, once for each way that leads there: a few
 * lines can make that two to the power of anything. It is counted when the form is read, and a form whose values cost too much is
 * refused; what is sent is counted before it is checked, so that no form and no data hold the hub.
 */

/** Levels that data may have: see the scalar JSON of the schema. */
const deepest = 32;
/** Parts of a form at most: what compiling it costs. */
const mostParts = 5000;
/** What one value may cost. */
const mostPerValue = 5000;
/** What one submission may cost, in the same unit. */
const mostPerSubmission = 250_000;
/** Up to which cost every mistake is told; each costs more than the look that found it. */
const mostForAllMistakes = 20_000;
/** The same where parts refer to others: mistakes are copied on the way back from each. */
const mostForAllCopied = 3000;
/** Entries of an enumeration that are compared in the time of one other look. */
const entriesPerLook = 10;

interface Part {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly pointer: string;
  /** Costs at a value that many levels below the value that the part is for. */
  readonly costs: (number | 'counting' | undefined)[];
}

/** Keywords whose parts look at the same value, and those whose parts look at values below it. */
const samePlace = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas'];
const below = [
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'items',
  'prefixItems',
  'contains',
  'unevaluatedItems',
];
/** Below these stand parts by name, not a part. */
const byName = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);
/** Of these parts only one looks at a value. */
const onlyOne = new Set(['properties', 'prefixItems']);
const references = ['$ref', '$dynamicRef'];

/** How a submission may be checked: `first` for its first mistake only, `not` where it would take too long. */
export type Thoroughness = 'all' | 'first' | 'not';

/** @throws Error with a sentence that says which part of the form costs too much, and why */
export function boundForm(schema: object): (data: unknown) => Thoroughness {
  const parts = new Map<object, Part>();
  const named = new Map<string, Part>();
  collect(schema, '#', parts, named);
  const root = parts.get(schema) as Part;

  const inside = (part: Part, keywords: readonly string[]): readonly (readonly [keyword: string, parts: readonly Part[]])[] =>
    keywords.flatMap((keyword) => {
      const found = subSchemas(part.schema, keyword).flatMap(([one]) => parts.get(one) ?? []);
      return found.length > 0 ? [[keyword, found] as const] : [];
    });
  const referred = (part: Part): readonly Part[] =>
    references.flatMap((keyword) => {
      const to = part.schema[keyword];
      if (typeof to !== 'string') return [];
      const found = named.get(decoded(to));
      if (!found) throw new Error(`${part.pointer}: ${keyword} ${to.slice(0, 100)} is not in the form; put the part under $defs`);
      return [found];
    });

  function cost(part: Part, level: number): number {
    const known = part.costs[level];
    if (known === 'counting') throw new Error(`${part.pointer}: refers to itself for the same value; it could never be checked`);
    if (known !== undefined) return known;
    part.costs[level] = 'counting';
    let sum = level === 0 ? ownCost(part.schema) : 0;
    for (const one of [...inside(part, samePlace).flatMap(([, found]) => found), ...referred(part)]) sum += cost(one, level);
    if (level > 0)
      for (const [keyword, found] of inside(part, below)) {
        const costs = found.map((one) => cost(one, level - 1));
        sum += onlyOne.has(keyword) ? Math.max(...costs) : costs.reduce((all, one) => all + one, 0);
      }
    part.costs[level] = sum;
    return sum;
  }

  const perLevel = Array.from({ length: deepest + 1 }, (_, level) => cost(root, level));
  const worst = Math.max(...perLevel);
  if (worst > mostPerValue)
    throw new Error(
      `asks too much of one value: about ${short(worst)} looks, at most ${mostPerValue}; make lists shorter and nest allOf, anyOf, oneOf and $ref less`,
    );
  const mostForAll = [...parts.values()].some((part) => references.some((keyword) => keyword in part.schema))
    ? mostForAllCopied
    : mostForAllMistakes;
  return (data) => {
    let left = mostPerSubmission;
    const walk = (value: unknown, level: number): void => {
      left -= perLevel[Math.min(level, deepest)] ?? 0;
      if (left < 0 || typeof value !== 'object' || value === null) return;
      for (const one of Object.values(value)) walk(one, level + 1);
    };
    walk(data, 0);
    if (left < 0) return 'not';
    return mostPerSubmission - left <= mostForAll ? 'all' : 'first';
  };
}

const short = (count: number): string => (count < 1e6 ? String(Math.round(count)) : 'millions of');

function ownCost(schema: Readonly<Record<string, unknown>>): number {
  const compared = ['required', 'properties', 'dependentRequired', 'enum'].reduce((sum, keyword) => sum + sizeOf(schema[keyword]), 0);
  return 1 + (compared + sizeOf(schema['const'])) / entriesPerLook;
}

/** Entries of a list or an object; what is in them is compared one by one, and counts as entries that are long. */
function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const entries: readonly unknown[] = Object.values(value);
  return entries.length + entries.filter((one) => typeof one === 'object' && one !== null).length * entriesPerLook;
}

function collect(schema: object, pointer: string, parts: Map<object, Part>, named: Map<string, Part>, depth = 0): void {
  if (parts.size >= mostParts) throw new Error(`has more than ${mostParts} parts; divide it, or put what repeats under $defs`);
  if (depth > 100) throw new Error(`${pointer.slice(0, 100)}…: is nested more than 100 levels deep`);
  const part: Part = { schema: schema as Readonly<Record<string, unknown>>, pointer, costs: [] };
  parts.set(schema, part);
  named.set(pointer, part);
  for (const keyword of ['$anchor', '$dynamicAnchor']) {
    const name = part.schema[keyword];
    if (typeof name === 'string') named.set(`#${name}`, part);
  }
  const id = part.schema['$id'];
  if (typeof id === 'string') {
    if (depth > 0) throw new Error(`${pointer}: only the form itself has an $id; refer to parts by #/$defs/…`);
    named.set(id, part);
  }
  for (const keyword of [...samePlace, ...below, '$defs', 'definitions'])
    for (const [one, key] of subSchemas(part.schema, keyword))
      if (!parts.has(one)) collect(one, `${pointer}/${keyword}${key === null ? '' : `/${escaped(key)}`}`, parts, named, depth + 1);
}

/** Parts under a keyword, each with its key where the keyword has several. `true` and `false` cost nothing. */
function subSchemas(schema: Readonly<Record<string, unknown>>, keyword: string): readonly (readonly [object, string | null])[] {
  const value = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
  if (typeof value !== 'object' || value === null) return [];
  if (!Array.isArray(value) && !byName.has(keyword)) return [[value, null]];
  return Object.entries(value).flatMap(([key, one]: [string, unknown]) =>
    typeof one === 'object' && one !== null ? [[one, key] as const] : [],
  );
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const decoded = (reference: string): string => {
  try {
    return decodeURIComponent(reference).replace(/^#\/$/, '#');
  } catch {
    return reference;
  }
};
