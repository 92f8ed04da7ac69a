import { say, type Complaint } from './complaint.ts';
import type { Ports } from './ports.ts';
import type { Source } from './source.ts';

/** `catalogue` of a city's file after its shape was checked. */
export interface CatalogueEntry {
  readonly format?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly adapter?: string;
  readonly everyHours?: number;
}

const expected = {
  format: { de: 'offers oder dldb', en: 'offers or dldb' },
  files: {
    de: 'die Dateien nach ihren Teilen, zum Beispiel { offers: ./offers/stadt.yaml }',
    en: 'the files by part, for example { offers: ./offers/city.yaml }',
  },
} as const;

/** What is wrong with where a catalogue comes from. Adapters whose own entry is wrong have no ports here and are not judged. */
export function complaintsOfCatalogue(
  source: Source,
  entry: CatalogueEntry,
  adapters: readonly string[],
  ports: ReadonlyMap<string, Ports>,
): readonly Complaint[] {
  const { format, files, adapter, everyHours } = entry;
  if ((format !== undefined || files !== undefined) === (adapter !== undefined))
    return [source.complain(['catalogue'], say.catalogueFrom())];
  if (adapter === undefined) {
    const missing = (['format', 'files'] as const).filter((key) => entry[key] === undefined);
    const stray =
      everyHours === undefined
        ? []
        : [source.complain(['catalogue', 'everyHours'], say.unknownKey('everyHours', ['format', 'files']), 'key')];
    return [...missing.map((key) => source.complain(['catalogue', key], say.missing(key, expected[key]))), ...stray];
  }
  if (!adapters.includes(adapter)) return [source.complain(['catalogue', 'adapter'], say.unknownAdapter(adapter, adapters))];
  const lists = (name: string): boolean | undefined => {
    const found = ports.get(name);
    return found && 'has' in found ? found.has.has('catalogue') : undefined;
  };
  if (lists(adapter) !== false) return [];
  return [source.complain(['catalogue', 'adapter'], say.noCatalogue(adapter, adapters.filter(lists)))];
}
