import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import type { FormRecord, OfferRecord } from '#contract';
import { Complaints, nearestWord } from '../complaints.ts';
import { authority, day, fee, offerFields, text } from '../offer-shape.ts';
import { readSource, type SourceText } from '../source.ts';
import { readForm } from './form-file.ts';
import type { CatalogueFormat } from './format.ts';

/** Largest file of offers, in bytes. */
const maxBytes = 8 * 1024 * 1024;

const offer = z.strictObject({
  ...offerFields,
  localKey: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'expected 1 to 40 letters, digits, - or _'),
  authority: z.union([z.string(), authority]),
  fees: offerFields.fees.default([]),
  requiredDocuments: offerFields.requiredDocuments.default([]),
  form: z.string().min(1).optional(),
});
const file = z.strictObject({
  source: text,
  asOf: day,
  authorities: z.record(z.string(), authority).default({}),
  offers: z.array(offer).max(20_000),
});
type Offer = z.infer<typeof offer>;

/** The hub's own format: a YAML list of offers, see cities/offers/. Authorities may be named once and referred to. */
export const offersFormat: CatalogueFormat = {
  id: 'offers',
  parts: { needed: ['offers'], optional: [] },
  async read(files) {
    const source = await readSource(files['offers'] as string, maxBytes);
    const lines = new LineCounter();
    const document = parseDocument(source.text, { lineCounter: lines, uniqueKeys: true });
    const complaints = new Complaints();
    const at = (path: readonly PropertyKey[]) => `${source.name}:${placeOf(document, lines, path)}`;
    for (const error of document.errors) {
      const { line, col } = lines.linePos(error.pos[0]);
      complaints.add(`${source.name}:${line}:${col}`, error.message.split('\n')[0] ?? 'is not YAML');
    }
    complaints.refuseIfAny();
    const parsed = file.safeParse(document.toJS({ maxAliasCount: 50 }));
    if (!parsed.success) {
      for (const issue of parsed.error.issues) complain(complaints, at, issue);
      complaints.refuseIfAny();
    }
    const listing = parsed.data as z.infer<typeof file>;
    const records = await Promise.all(
      listing.offers.map((entry, index) =>
        recordOf(entry, listing.authorities, source, (name, what) => complaints.add(at(['offers', index, name]), what)),
      ),
    );
    refuseDoubles(listing.offers, (index, what) => complaints.add(at(['offers', index, 'localKey']), what));
    complaints.refuseIfAny();
    return records.filter((record) => record !== null);
  },
};

function refuseDoubles(offers: readonly Offer[], complain: (index: number, what: string) => void): void {
  const seen = new Set<string>();
  for (const [index, { localKey }] of offers.entries()) {
    if (seen.has(localKey)) complain(index, `"${localKey}" stands there twice; every offer needs its own localKey`);
    seen.add(localKey);
  }
}

async function recordOf(
  { authority, form, ...entry }: Offer,
  authorities: Readonly<Record<string, z.infer<typeof offer.shape.authority>>>,
  source: SourceText,
  complain: (field: string, what: string) => void,
): Promise<OfferRecord | null> {
  const named = typeof authority !== 'string' ? authority : Object.hasOwn(authorities, authority) ? authorities[authority] : undefined;
  if (!named) {
    const name = typeof authority === 'string' ? authority : '';
    const near = nearestWord(name, Object.keys(authorities));
    complain('authority', `"${name}" is not under authorities${near ? `; did you mean "${near}"?` : ''}`);
    return null;
  }
  let compiled: FormRecord | undefined;
  if (form !== undefined)
    try {
      compiled = await readForm(form, source.path);
    } catch (error) {
      complain('form', error instanceof Error ? error.message : String(error));
      return null;
    }
  // Optional fields are absent, never undefined: the record's hash and JSON must not differ by that.
  const record = { ...entry, authority: named, ...(compiled ? { form: compiled } : {}) };
  return JSON.parse(JSON.stringify(record)) as OfferRecord;
}

function complain(complaints: Complaints, at: (path: readonly PropertyKey[]) => string, issue: z.core.$ZodIssue): void {
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(issue.path);
    for (const key of issue.keys) {
      const near = nearestWord(key, known);
      complaints.add(
        at([...issue.path, key]),
        `unknown field "${key}"; ${near ? `did you mean "${near}"?` : `known are ${known.join(', ')}`}`,
      );
    }
    return;
  }
  const field = String(issue.path.at(-1) ?? 'the file');
  if (issue.code === 'invalid_value') complaints.add(at(issue.path), `${field}: expected one of ${issue.values.map(String).join(', ')}`);
  else complaints.add(at(issue.path), `${field}: ${issue.message}`);
}

/** Fields that may stand at a place of the file. */
function knownFields(path: readonly PropertyKey[]): readonly string[] {
  const last = String(path.at(-1) ?? '');
  const inner: Record<string, readonly string[]> = {
    name: ['de', 'en'],
    summary: ['de', 'en'],
    label: ['de', 'en'],
    processingDays: ['min', 'max'],
    authority: Object.keys(authority.shape),
  };
  if (path.length === 0) return Object.keys(file.shape);
  if (path[0] === 'authorities') return Object.keys(authority.shape);
  if (path.includes('fees') && typeof path.at(-1) === 'number') return Object.keys(fee.shape);
  return inner[last] ?? Object.keys(offer.shape);
}

/** Line and column of the node at a path, or of the nearest node above it. */
function placeOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): string {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    if (isAlias(node)) break;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (!pair) break;
      offset = (pair.key as { range?: [number, number, number] }).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  const { line, col } = lines.linePos(offset);
  return `${line}:${col}`;
}
