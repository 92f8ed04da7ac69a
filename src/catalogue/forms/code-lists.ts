import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { refuseImport } from '../import/complaints.ts';
import { readSource, type SourceText } from '../import/source.ts';
import type { CodeListReference, CodeValue, DataField } from './data-schema.ts';
import type { Note, SchemaObject } from './form-schema.ts';
import { valueSchema } from './value-schema.ts';
import { childOf, childrenOf, parseXml, textAt, type XmlElement } from './xml-tree.ts';

/** Largest code list, in bytes. */
const maxBytes = 16 * 1024 * 1024;
/** Most values a form lists; what is longer belongs into a register that the back office asks. */
const mostValues = 20_000;

/** A code list (Genericode 1.0) as a table of texts. */
export interface CodeList {
  readonly uri: string;
  readonly version: string;
  /** Ids of the columns; the first of the key comes first. */
  readonly columns: readonly string[];
  readonly rows: readonly ReadonlyMap<string, string>[];
}

/** The code lists at hand. */
export type CodeLists = readonly CodeList[];

/**
 * Reads every code list of a folder; none if there is no such folder.
 * @throws HubError IMPORT_REFUSED if one of them is no Genericode document
 */
export async function readCodeLists(folder: string): Promise<CodeLists> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => /\.(xml|gc)$/i.test(name)).toSorted();
  return Promise.all(files.map(async (name) => parseCodeList(await readSource(join(folder, name), maxBytes))));
}

/** Reads a Genericode 1.0 document (OASIS), as the XRepository publishes them. */
export function parseCodeList(source: SourceText): CodeList {
  const root = parseXml(source);
  const rows = childOf(root, 'SimpleCodeList');
  const uri = textAt(root, 'Identification', 'CanonicalUri');
  if (root.name !== 'CodeList' || !rows || !uri)
    throw refuseImport(
      `${source.name}:${root.line}`,
      `<${root.name}> is no code list; expected Genericode: <CodeList> with <CanonicalUri> and <SimpleCodeList>`,
    );
  const set = childOf(root, 'ColumnSet');
  const ids = (set ? childrenOf(set, 'Column') : []).map(({ attributes }) => attributes.get('Id') ?? '');
  const key = set && childOf(set, 'Key');
  const first = (key && childOf(key, 'ColumnRef')?.attributes.get('Ref')) ?? ids[0] ?? '';
  return {
    uri,
    version: textAt(root, 'Identification', 'Version'),
    columns: [first, ...ids.filter((id) => id !== first)],
    rows: childrenOf(rows, 'Row').map((row) => rowOf(row, ids)),
  };
}

/** A value without its column stands in the column after the one before it. */
function rowOf(row: XmlElement, ids: readonly string[]): ReadonlyMap<string, string> {
  const cells = new Map<string, string>();
  let column = -1;
  for (const value of childrenOf(row, 'Value')) {
    const named = value.attributes.get('ColumnRef');
    column = named === undefined ? column + 1 : ids.indexOf(named);
    cells.set(named ?? ids[column] ?? '', textAt(value, 'SimpleValue'));
  }
  return cells;
}

/** Finds the list that is meant: the version named, else the newest at hand. */
function findCodeList(lists: CodeLists, { uri, version }: CodeListReference): CodeList | null {
  const same = lists.filter((list) => list.uri === uri && (!version || list.version === version));
  return same.toSorted((a, b) => (a.version < b.version ? 1 : -1))[0] ?? null;
}

function valuesOf({ columns, rows }: CodeList, { codeColumn, nameColumn }: CodeListReference): readonly CodeValue[] {
  const code = codeColumn || columns[0] || '';
  const name = nameColumn || columns.find((column) => column !== code) || code;
  const found = new Map<string, CodeValue>();
  for (const row of rows) {
    const value = row.get(code);
    if (value && !found.has(value)) found.set(value, { code: value, name: row.get(name) || value });
  }
  return [...found.values()];
}

/** A selection: its values where they are at hand; where not, any text within the limits that the field has. */
export function selectionSchema(field: DataField, lists: CodeLists, note: Note): SchemaObject {
  const { codeList } = field;
  const list = codeList && findCodeList(lists, codeList);
  const values = field.values.length > 0 ? field.values : list && codeList ? valuesOf(list, codeList) : [];
  const reference = codeList?.uri
    ? { 'x-fim': { codeList: { uri: codeList.uri, ...(codeList.version ? { version: codeList.version } : {}) } } }
    : {};
  const distinct = [...new Map(values.map((value) => [value.code, value])).values()];
  if (distinct.length > 0 && distinct.length <= mostValues) {
    const limits = Object.entries(field.limits).map(([name, text]) => `${name} ${text}`);
    for (const limit of field.otherLimits ? [...limits, field.otherLimits] : limits)
      note('limit', field, limit, {
        de: 'Grenze an einer Auswahl, die ihre Werte nennt: zulässig sind diese Werte',
        en: 'limit on a selection that names its values: those values pass',
      });
    const isOffered = distinct.some(({ code }) => code === field.content);
    if (field.content && !isOffered)
      note('content', field, field.content, { de: 'als Vorbelegung nicht übernommen', en: 'not taken over as a first value' });
    const first = isOffered ? { default: field.content } : {};
    return {
      type: 'string',
      oneOf: distinct.map(({ code, name, help }) => ({ const: code, title: name, ...(help ? { description: help } : {}) })),
      ...first,
      ...reference,
    };
  }
  const named = codeList?.uri ? `${codeList.uri}${codeList.version ? ` ${codeList.version}` : ''}` : '';
  // Older schemas say in words which list is meant.
  note('codeList', field, named || field.otherLimits, {
    de:
      distinct.length > 0
        ? `Codeliste mit ${distinct.length} Werten: zu lang für ein Formular, jeder Text ist zulässig`
        : named
          ? 'Codeliste liegt nicht bei, jeder Text ist zulässig: legen Sie sie als Genericode in den Ordner codelists'
          : 'Auswahl ohne Werte und ohne Codeliste, jeder Text ist zulässig',
    en:
      distinct.length > 0
        ? `code list of ${distinct.length} values: too long for a form, any text passes`
        : named
          ? 'the code list is not at hand, any text passes: put it as Genericode into the folder codelists'
          : 'selection with neither values nor code list, any text passes',
  });
  const otherLimits = named === '' || field.otherLimits === codeList?.uri ? '' : field.otherLimits;
  return { ...valueSchema({ ...field, otherLimits, valueType: 'text' }, true, note), ...reference };
}
