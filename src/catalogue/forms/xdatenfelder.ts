import type { SourceText } from '../import/source.ts';
import { readCodeLists, type CodeLists } from './code-lists.ts';
import { toFormSchema, type ConvertedForm, type Unconverted } from './form-schema.ts';
import { readDataSchema } from './read-data-schema.ts';

export { readCodeLists, type CodeLists, type ConvertedForm, type Unconverted };

/** Largest document, in bytes. */
export const mostXmlBytes = 16 * 1024 * 1024;

/**
 * A form from a data schema of FIM (XDatenfelder 1, 2 or 3): JSON Schema 2020-12, and everything that the schema says and
 * the form cannot check. Converts whole or refuses.
 * @throws HubError IMPORT_REFUSED with element, line and reason of everything that is malformed
 */
export const convertXdatenfelder = (source: SourceText, codeLists: CodeLists = []): ConvertedForm =>
  toFormSchema(readDataSchema(source), codeLists);
