import { z } from 'zod';
import { isWithin, type FormRecord, type OfferRecord } from '#contract';
import { say, shown, type Complaint } from '../../../cities/load/complaint.ts';
import { expectedOf } from '../../../cities/load/expected.ts';
import { readSource, type Path, type Source } from '../../../cities/load/source.ts';
import { RefusedFiles } from '../complaints.ts';
import { authority, day, fee, offerFields, text } from '../offer-shape.ts';
import { formComplaint, readForm } from './form-file.ts';
import type { CatalogueFormat, FormatContext } from './format.ts';

/** Largest file of offers, in bytes. */
const maxBytes = 8 * 1024 * 1024;

const offer = z.strictObject({
  ...offerFields,
  localKey: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'expected 1 to 40 letters, digits, - or _'),
  authority: z.union([z.string(), authority], { error: 'expected the name of one of authorities, or an authority itself' }),
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
/** Takes a complaint about a field of an offer, or one that has its place. */
type Complain = (field: string, saying: Parameters<Source['complain']>[1] | readonly Complaint[]) => void;

/** The hub's own format: a YAML list of offers, see cities/offers/. Authorities may be named once and referred to. */
export const offersFormat: CatalogueFormat = {
  id: 'offers',
  parts: { needed: ['offers'], optional: [] },
  async read(files, context) {
    const path = files['offers'] as string;
    const source = await readSource(path, maxBytes);
    if (!('complain' in source)) throw new RefusedFiles(source);
    const complaints: Complaint[] = [...complaintsOfNumbers(source)];
    const told = new Set(complaints.map((complaint) => complaint.path));
    const parsed = file.safeParse(source.value);
    for (const issue of parsed.error?.issues ?? []) if (!told.has(issue.path.join('.'))) complaints.push(...toComplaints(source, issue));
    if (!parsed.success || complaints.length > 0) throw new RefusedFiles(complaints);
    const listing = parsed.data;
    const records = await Promise.all(
      listing.offers.map((entry, index) =>
        recordOf(entry, listing.authorities, path, (field, saying) =>
          complaints.push(...('problem' in saying ? [source.complain(['offers', index, field], saying)] : saying)),
        ),
      ),
    );
    complaints.push(...complaintsOfDoubles(source, listing.offers), ...complaintsOfMeaning(source, listing.offers, context));
    if (complaints.length > 0) throw new RefusedFiles(complaints);
    return records.filter((record) => record !== null);
  },
};

/** All numbers of the format are whole, and written so: who writes `cents: 25.00` means euros. */
const complaintsOfNumbers = (source: Source): readonly Complaint[] =>
  source
    .numbers()
    .filter(({ written }) => !/^-?\d+$/.test(written))
    .map(({ path, written }) => source.complain(path, say.notWhole(written, path.at(-1) === 'cents')));

function complaintsOfDoubles(source: Source, offers: readonly Offer[]): readonly Complaint[] {
  const seen = new Set<string>();
  return offers.flatMap(({ localKey }, index) => {
    const isDouble = seen.has(localKey);
    seen.add(localKey);
    return isDouble ? [source.complain(['offers', index, 'localKey'], say.standsTwice('localKey', localKey))] : [];
  });
}

/** What is written as it should be and is not so: services that there are not, places elsewhere. */
function complaintsOfMeaning(source: Source, offers: readonly Offer[], { ars, known }: FormatContext): readonly Complaint[] {
  return offers.flatMap(({ serviceKey, furtherServiceKeys = [], area }, index) => {
    const keys: readonly (readonly [string | null, Path])[] = [
      [serviceKey, ['serviceKey']],
      ...furtherServiceKeys.map((key, at) => [key, ['furtherServiceKeys', at]] as const),
    ];
    const unknown = keys.flatMap(([key, path]) =>
      known && key !== null && !known.isService(key)
        ? [source.complain(['offers', index, ...path], say.unknownService(key, known.nearestServices(key)))]
        : [],
    );
    return area === undefined || isWithin(ars, area)
      ? unknown
      : [...unknown, source.complain(['offers', index, 'area'], say.otherArea(area, ars))];
  });
}

async function recordOf(
  { authority, form, ...entry }: Offer,
  authorities: Readonly<Record<string, z.infer<typeof offer.shape.authority>>>,
  path: string,
  complain: Complain,
): Promise<OfferRecord | null> {
  const named = typeof authority !== 'string' ? authority : Object.hasOwn(authorities, authority) ? authorities[authority] : undefined;
  if (!named) {
    complain('authority', say.notNamed(typeof authority === 'string' ? authority : '', 'authorities', Object.keys(authorities)));
    return null;
  }
  let compiled: FormRecord | undefined;
  if (form !== undefined)
    try {
      compiled = await readForm(form, path);
    } catch (error) {
      complain('form', formComplaint(error, form));
      return null;
    }
  // Optional fields are absent, never undefined: the record's hash and JSON must not differ by that.
  const record = { ...entry, authority: named, ...(compiled ? { form: compiled } : {}) };
  return JSON.parse(JSON.stringify(record)) as OfferRecord;
}

function toComplaints(source: Source, issue: z.core.$ZodIssue): readonly Complaint[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(issue.path);
    return issue.keys.map((key) => source.complain([...path, key], say.unknownKey(key, known), 'key'));
  }
  const value = path.reduce<unknown>(
    (place, step) => (place !== null && typeof place === 'object' ? (place as Record<string | number, unknown>)[step] : undefined),
    source.value,
  );
  const expected = expectedOf(issue);
  if (value === undefined) return [source.complain(path, say.missing(String(path.at(-1) ?? ''), expected))];
  if (issue.code === 'invalid_value' && typeof value === 'string')
    return [source.complain(path, say.notOneOf(value, issue.values.map(String)))];
  return [source.complain(path, say.invalid(shown(value), expected))];
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
