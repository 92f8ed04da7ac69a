import { inLanguage, type Language } from '#contract';
import { compileForm } from '../catalogue/forms/form-record.ts';
import type { Unconverted } from '../catalogue/forms/xdatenfelder.ts';
import { readXdatenfelder } from '../catalogue/import/formats/form-file.ts';

export interface FormOptions {
  /** A data schema in XDatenfelder. */
  readonly file: string;
  /** Folder of code lists in Genericode. @default `codelists` beside the file */
  readonly codeLists?: string | undefined;
  /** One JSON document with the schema and what was not converted. @default false */
  readonly json?: boolean | undefined;
  /** @default 'DE' */
  readonly language?: Language | undefined;
}

/**
 * What `staedtebund form` does: prints the form that a data schema becomes, and beside it (to `note`) what the schema
 * demands and the form cannot check. Resolves to the exit code.
 * @throws HubError IMPORT_REFUSED with element, line and reason if the file is malformed
 */
export async function runForm(
  { file, codeLists, json = false, language = 'DE' }: FormOptions,
  out: (line: string) => void,
  note: (line: string) => void,
): Promise<number> {
  const { schema, unconverted } = await readXdatenfelder(file, codeLists);
  compileForm(schema);
  out(JSON.stringify(json ? { schema, unconverted } : schema, null, 2));
  if (json) return 0;
  const say = words[language];
  note(unconverted.length === 0 ? say.whole : say.left(unconverted.length));
  for (const one of unconverted) note(`  ${file}:${one.line} ${line(one, language)}`);
  return 0;
}

const line = ({ kind, id, name, text, reason }: Unconverted, language: Language): string =>
  `${words[language].kinds[kind]} ${id} ${name}: ${inLanguage(reason, language)}${text ? ` (${text.replaceAll(/\s+/g, ' ')})` : ''}`;

const words = {
  DE: {
    whole: 'Alles umgesetzt.',
    left: (count: number) => `Nicht umgesetzt: ${count === 1 ? 'eine Regel' : `${count} Regeln`}. Das prüft weiterhin die Sachbearbeitung:`,
    kinds: { rule: 'Regel', codeList: 'Codeliste', limit: 'Präzisierung', content: 'Inhalt', element: 'Element' },
  },
  EN: {
    whole: 'Everything was converted.',
    left: (count: number) =>
      count === 1
        ? 'Not converted: one rule. Caseworkers go on checking it:'
        : `Not converted: ${count} rules. Caseworkers go on checking them:`,
    kinds: { rule: 'rule', codeList: 'code list', limit: 'limit', content: 'content', element: 'element' },
  },
} as const;
