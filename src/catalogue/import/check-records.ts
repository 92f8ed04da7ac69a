import { breathe, isWithin, localServiceKey, type Json, type OfferRecord, type RegionalKey } from '#contract';
import { compileForm } from '../forms/form-record.ts';
import { Complaints } from './complaints.ts';
import { offerRecord } from './offer-shape.ts';

/** Offers that are looked at before others have a turn. */
const recordsAtATime = 50;
const hasForm = (one: unknown): boolean => typeof one === 'object' && one !== null && 'form' in one;

/** Largest form of an offer, in characters of its JSON. */
const longestForm = 1024 * 1024;

/**
 * Offers as somebody else's program listed them: an adapter may be wrong, and what it lists is shown to citizens. All are
 * right, or all are refused with the offers that are not by their names.
 * @throws HubError IMPORT_REFUSED
 */
export async function checkRecords(
  listed: readonly unknown[],
  city: { readonly id: string; readonly ars: RegionalKey },
): Promise<readonly OfferRecord[]> {
  const complaints = new Complaints();
  const localKeys = new Map<string, number>();
  const serviceKeys = new Map<string, string>();
  const revisions = new Map<string, string>();
  const check = (one: unknown, index: number): OfferRecord | null => {
    const where = `${city.id}: offer ${index + 1}${nameOf(one)}`;
    const complain = (what: string) => complaints.add(where, what);
    const parsed = offerRecord.safeParse(one);
    if (!parsed.success) {
      for (const { path, message } of parsed.error.issues) complain(`${path.map(String).join('.') || 'the offer'}: ${message}`);
      return null;
    }
    const { data: record } = parsed;
    const earlier = localKeys.get(record.localKey);
    if (earlier !== undefined) complain(`localKey: offer ${earlier + 1} has it too; every offer needs its own`);
    localKeys.set(record.localKey, index);
    if (record.serviceKey === null) {
      // Two offers under one key of the city's own would count as one service.
      const key = localServiceKey(city.ars, record.localKey);
      const other = serviceKeys.get(key);
      if (other !== undefined && other !== record.localKey) complain(`localKey: cannot be told from "${other}" in its first 40 characters`);
      serviceKeys.set(key, record.localKey);
    }
    if (record.area !== undefined && !isWithin(city.ars, record.area))
      complain(`area: ${record.area} does not contain ${city.ars}; a city lists what holds where it is`);
    if (record.form) complainAboutForm(record.form, revisions, complain);
    // Absent fields are absent, never undefined: the record's hash must not differ by that.
    return JSON.parse(JSON.stringify(record)) as OfferRecord;
  };
  const records: OfferRecord[] = [];
  for (const [index, one] of listed.entries()) {
    // There may be thousands, some with a large form.
    if (index > 0 && (index % recordsAtATime === 0 || hasForm(one))) await breathe();
    const record = check(one, index);
    if (record) records.push(record);
  }
  complaints.refuseIfAny();
  return records;
}

function complainAboutForm(
  { revision, schema }: { readonly revision: string; readonly schema: Json },
  revisions: Map<string, string>,
  complain: (what: string) => void,
): void {
  const content = JSON.stringify(schema);
  if (content.length > longestForm) return complain(`form: is longer than ${longestForm} characters`);
  try {
    compileForm(schema);
  } catch (error) {
    return complain(`form: ${error instanceof Error ? error.message.slice(0, 300) : 'is no JSON Schema'}`);
  }
  const other = revisions.get(revision);
  if (other !== undefined && other !== content)
    complain(`form: revision ${revision} is also that of a different form; each content needs its own`);
  revisions.set(revision, content);
}

/** What can be said of an offer before it is known to be one. */
function nameOf(one: unknown): string {
  if (typeof one !== 'object' || one === null || !('localKey' in one) || typeof one.localKey !== 'string') return '';
  return ` (${one.localKey.slice(0, 60)})`;
}
