import type { SoapConfig } from './config.ts';
import { at, listAt, scalar } from './mapping.ts';
import { toJson, type Element } from './xml.ts';

/** The fields a fault's detail complains about, under our pointers: `antrag/kennzeichen` or `antrag.kennzeichen` becomes `/formData/plateNumber` the way it went out. */
export function toFieldProblems(detail: Element | undefined, { faults: { fields }, operations }: SoapConfig): Record<string, string> {
  if (!detail || !fields) return {};
  const sent = Object.entries(operations.submit.fields)
    .map(([path, from]) => [path.replaceAll(/\/[^/:]+:/g, '/'), from] as const)
    .toSorted(([a], [b]) => b.length - a.length);
  return Object.fromEntries(
    listAt(toJson(detail), fields.items)
      .slice(0, 100)
      .flatMap((item) => {
        const text = scalar(at(item, fields.text));
        if (text === null) return [];
        const named = scalar(at(item, fields.field)) ?? '';
        const theirs = named === '' || named.startsWith('/') ? named : `/${named.replaceAll('.', '/')}`;
        const [path, from] =
          sent.find(([path]) => theirs !== '' && (theirs === path || path.endsWith(theirs) || theirs.startsWith(`${path}/`))) ?? [];
        const ours = typeof from === 'object' ? from.each : from?.startsWith('/') ? from : undefined;
        const rest = path !== undefined && theirs.startsWith(`${path}/`) ? theirs.slice(path.length) : '';
        return [[ours === undefined ? '' : ours + rest, text.slice(0, 300)]];
      }),
  );
}
