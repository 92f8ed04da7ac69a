import type { Language } from '#contract';
import type { Applications } from '../applications/applications.ts';

export interface ChangesOptions {
  readonly city?: string;
  readonly adapter?: string;
  /** Where the next pull begins: a moment, or from the beginning. Absent: only look. */
  readonly since?: Date;
  readonly fromBeginning?: boolean;
  readonly json?: boolean;
  readonly language: Language;
}

const texts = {
  DE: {
    none: 'Kein Fachverfahren meldet Änderungen.',
    place: (cursor: string | null, at: Date | null) =>
      cursor === null || at === null ? 'beginnt von vorn' : `${cursor}, gespeichert ${at.toISOString()}`,
    nameless: '(ohne lesbare Kennung)',
    done: 'Die nächste Abfrage beginnt dort.',
    'no-changes': (city: string, adapter: string) => `${city}/${adapter} gibt es nicht, oder es wird nicht nach Änderungen gefragt.`,
    'no-moment': (city: string, adapter: string) =>
      `${city}/${adapter} merkt sich die Stelle selbst; zurücksetzen lässt sie sich nur auf den Anfang: --from-beginning`,
  },
  EN: {
    none: 'No back office tells of changes.',
    place: (cursor: string | null, at: Date | null) =>
      cursor === null || at === null ? 'begins anew' : `${cursor}, stored ${at.toISOString()}`,
    nameless: '(no readable id)',
    done: 'The next pull begins there.',
    'no-changes': (city: string, adapter: string) => `${city}/${adapter} does not exist, or is not asked for changes.`,
    'no-moment': (city: string, adapter: string) =>
      `${city}/${adapter} keeps the place itself; it can only be set back to the beginning: --from-beginning`,
  },
} as const;

/**
 * Shows where the pulls of changes stand and which records were set aside, by id and reason; sets one back. Resolves to the exit
 * code: 1 where it could not be set back.
 */
export async function runChanges(
  applications: Pick<Applications, 'listSources' | 'rewind'>,
  { city, adapter, since, fromBeginning = false, json = false, language }: ChangesOptions,
  { out, note }: { readonly out: (line: string) => void; readonly note: (line: string) => void },
): Promise<number> {
  const say = texts[language];
  if (city !== undefined && adapter !== undefined && (since !== undefined || fromBeginning)) {
    const rewound = await applications.rewind({ city, adapter, to: since ?? null });
    if (rewound !== 'done') note(say[rewound](city, adapter));
    else note(say.done);
    return rewound === 'done' ? 0 : 1;
  }
  const sources = (await applications.listSources()).filter(
    (one) => (city === undefined || one.city === city) && (adapter === undefined || one.adapter === adapter),
  );
  if (json) out(JSON.stringify(sources, null, 2));
  else if (sources.length === 0) out(say.none);
  else
    for (const { city: id, adapter: of, cursor, storedAt, setAside } of sources) {
      out(`${id}/${of}  ${say.place(cursor, storedAt)}`);
      for (const { record, reason, lastAt } of setAside) out(`  ${record ?? say.nameless}  ${lastAt.toISOString()}  ${reason}`);
    }
  return 0;
}
