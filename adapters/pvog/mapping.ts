import {
  feesOf,
  isFeeLabel,
  isLeikaKey,
  plainLines,
  processingDaysOf,
  shorten,
  type Fee,
  type Localised,
  type OfferRecord,
  type RegionalKey,
} from '#contract';
import { narrowest } from './areas.ts';
import type { Description, UnitTitle } from './reader.ts';
import { webAddress } from './text.ts';

/**
 * Of all descriptions under a key, the one for the narrowest region over the municipality: PVOG lists the federation's and the
 * state's texts beside the city's own. Null where none covers it.
 */
export function ownDescription(found: readonly Description[], key: string, ars: string): Description | null {
  const own = found.flatMap((one) => {
    const area = one.leikakeys?.includes(key) ? narrowest(one.ars ?? [], ars) : null;
    return area === null ? [] : [{ one, area }];
  });
  return own.toSorted((a, b) => b.area.length - a.area.length || (a.one.id < b.one.id ? -1 : 1))[0]?.one ?? null;
}

/** A description and its competent units as an offer. */
export function toOffer(one: Description, units: readonly UnitTitle[], asked: ReadonlySet<string>, ars: string): OfferRecord {
  const keys = [...new Set(one.leikakeys?.filter(isLeikaKey))].toSorted((a, b) => Number(asked.has(b)) - Number(asked.has(a)));
  const [serviceKey = null, ...further] = keys;
  const area = narrowest(one.ars ?? [], ars);
  // Role 01 decides; others help or advise, and are not the authority.
  const roleOf = ({ role }: UnitTitle) => String(role?.code ?? '');
  const unit = units.find((one) => roleOf(one) === '01') ?? units.find((one) => roleOf(one) === '');
  const url = one.onlineServiceLinks?.flatMap(({ uri }) => webAddress(uri ?? undefined) ?? [])[0];
  const summary = plainLines(moduleOf(one, '24'))[0];
  const days = processingDaysOf(moduleOf(one, '95'));
  return {
    localKey: one.id,
    serviceKey,
    ...(further.length > 0 ? { furtherServiceKeys: further } : {}),
    name: { de: shorten(plainLines(one.name).join(' ') || one.id, 200) },
    ...(summary === undefined ? {} : { summary: { de: shorten(summary, 500) } }),
    ...(area ? { area: area as RegionalKey } : {}),
    authority: unit?.title.trim() ? { name: shorten(unit.title.trim(), 200) } : {},
    channels: url === undefined ? [] : ['ONLINE'],
    maturityLevel: url === undefined ? 1 : 2,
    fees: feesIn(one),
    ...(days ? { processingDays: days } : {}),
    requiredDocuments: plainLines(moduleOf(one, '08'))
      .slice(0, 50)
      .map((line): Localised => ({ de: shorten(line, 300) })),
    ...(url === undefined ? {} : { onlineUrl: url }),
  };
}

/** Text of a module; empty where it only holds the place. */
function moduleOf(one: Description, code: string): string {
  const found = one.details?.find((module) => String(module.code) === code);
  const content = found?.text ?? '';
  return !found || found.placeholder || /^\s*(nicht angegeben|keine angabe|-)\s*$/i.test(plainLines(content).join(' ')) ? '' : content;
}

/** Fees of module 98: its text and its single entries, all of them plain or none is given. */
function feesIn(one: Description): readonly Fee[] {
  const content = moduleOf(one, '98');
  const entries = one.details?.find(({ code }) => String(code) === '98')?.details ?? [];
  const parts = [
    ...(plainLines(content).length > 0 ? [feesOf(content)] : []),
    ...entries.map(({ title, text }) => {
      const fees = feesOf(title ?? '');
      const label = plainLines(text ?? '').join(' ');
      if (label === '') return fees;
      return isFeeLabel(text ?? '') ? fees.map((fee): Fee => ({ ...fee, label: { de: shorten(label, 100) } })) : [];
    }),
  ];
  return parts.some((fees) => fees.length === 0) ? [] : parts.flat().slice(0, 30);
}
