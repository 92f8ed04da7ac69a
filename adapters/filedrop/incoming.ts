import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { parse as parseCsv, CsvError } from 'csv-parse';
import { SaxesParser } from 'saxes';
import { breathe, flawOf, legalXml, type CaseChange } from '#contract';
import type { FiledropConfig } from './config.ts';
import { decode } from './encoding.ts';
import { Malformed } from './malformed.ts';
import { toMoment } from './moments.ts';

type StatusConfig = FiledropConfig['status'];
type Cells = ReadonlyMap<string, string>;
interface Line {
  readonly line: number;
  readonly cells: Cells;
  /** Why its cells cannot be told apart; then there are none. */
  readonly unfit?: Malformed;
}

/** What a status file says. */
export interface StatusFile {
  readonly changes: readonly CaseChange[];
  /** Rows that cannot be read, each with its key where that much can be read; the others count. */
  readonly bad: readonly { readonly key: string | null; readonly problem: Malformed }[];
}

/** Characters that are read at a time, and rows: a long file holds nobody else up. */
const PIECE = 64 * 1024;
const ROWS = 500;

async function* inPieces(text: string): AsyncGenerator<string> {
  for (let from = 0; from < text.length; from += PIECE) {
    if (from > 0) await breathe();
    yield text.slice(from, from + PIECE);
  }
}

/** @throws Malformed where it is no such file as a whole: then where one row ends and the next begins is not known either. */
export async function readStatus(bytes: Buffer, config: StatusConfig, timeZone: string, now: Date): Promise<StatusFile> {
  if (bytes.length > config.maxBytes)
    throw new Malformed(1, { de: `größer als ${config.maxBytes} Byte`, en: `larger than ${config.maxBytes} bytes` });
  const text = decode(bytes, config.encoding).replace(/^\uFEFF/, '');
  const lines = await (config.format === 'csv' ? csvLines(text, config) : xmlLines(text, config));
  const changes: CaseChange[] = [];
  const bad: StatusFile['bad'][number][] = [];
  let rows = 0;
  for (const { line, cells, unfit } of lines) {
    if ((rows += 1) % ROWS === 0) await breathe();
    try {
      if (unfit) throw unfit;
      const change = toChange(line, cells, config.fields, timeZone, now);
      const flaw = flawOf(change);
      if (flaw !== null)
        throw isUndecoded(change) ? notDecoded(line) : new Malformed(line, { de: 'diese Zeile ist nicht lesbar', en: flaw });
      changes.push(change);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      bad.push({ key: cells.get(config.fields.key)?.trim() || null, problem: error });
    }
  }
  return { changes, bad };
}

const isUndecoded = ({ ref, nativeStatus, version }: CaseChange): boolean =>
  [ref.id, ref.publicNumber, nativeStatus, version].some((text) => text?.includes('\uFFFD'));

const notDecoded = (line: number) =>
  new Malformed(line, { de: 'kein UTF-8; ist die Datei in Windows-1252?', en: 'not UTF-8; is the file in Windows-1252?' });

function toChange(line: number, cells: Cells, fields: StatusConfig['fields'], timeZone: string, now: Date): CaseChange {
  const need = (name: string): string => {
    const value = cells.get(name)?.trim();
    if (!value) throw new Malformed(line, { de: `${name} fehlt`, en: `${name} is missing` });
    return value;
  };
  const [key, status] = [need(fields.key), need(fields.status)];
  const names = typeof fields.updatedAt === 'string' ? [fields.updatedAt] : fields.updatedAt;
  const moment = names.map(need).join(' ');
  const updatedAt = toMoment(moment, timeZone, now);
  if (!updatedAt) throw new Malformed(line, { de: `${names.join(' und ')}: kein Zeitpunkt`, en: `${names.join(' and ')}: not a moment` });
  const number = fields.number === undefined ? undefined : cells.get(fields.number)?.trim();
  const version = fields.version === undefined ? `${moment} ${status}` : need(fields.version);
  // Files repeat rows: the same row is the same change, whatever file it comes in.
  const id = createHash('sha256')
    .update(JSON.stringify([key, number ?? '', status, moment, version]))
    .digest('hex')
    .slice(0, 40);
  return { id, ref: number ? { id: key, publicNumber: number } : { id: key }, nativeStatus: status, version, updatedAt };
}

/** The line with which Excel is told how cells are divided. */
const separatorLine = /^sep=(.)\r?\n/i;

async function csvLines(text: string, { delimiter, fields }: StatusConfig): Promise<Iterable<Line>> {
  const names = [fields.key, fields.number, fields.status, fields.updatedAt, fields.version].flat().filter((name) => name !== undefined);
  const separator = separatorLine.exec(text);
  const above = separator ? 1 : 0;
  const unfit = (line: number) =>
    new Malformed(line, {
      de: 'Zahl der Spalten oder Anführungszeichen stimmen nicht',
      en: 'the number of columns or the quotes do not fit',
    });
  const rows: { record: string[]; info: { lines: number } }[] = [];
  const parser = parseCsv({
    delimiter: separator?.[1] ?? delimiter,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: 64 * 1024,
  });
  const content = Readable.from(inPieces(separator ? text.slice(separator[0].length) : text));
  content.pipe(parser);
  try {
    for await (const row of parser as AsyncIterable<(typeof rows)[number]>)
      // Spreadsheets leave rows without a value, and cells without one behind the last column.
      if (row.record.some((cell) => cell.trim() !== '')) rows.push(row);
  } catch (error) {
    content.destroy();
    throw unfit((error instanceof CsvError && typeof error['lines'] === 'number' ? error['lines'] : 1) + above);
  }
  const [first] = rows;
  const header = first?.record.map((name) => name.trim()) ?? [];
  const columns = header.findLastIndex((name) => name !== '') + 1;
  const missing = names.find((name) => !header.includes(name));
  if (missing !== undefined) throw new Malformed(1 + above, { de: `die Spalte ${missing} fehlt`, en: `there is no column ${missing}` });
  const toLine = ({ record, info }: (typeof rows)[number]): Line => {
    const line = info.lines + above;
    if (record.length < columns || record.slice(header.length).some((cell) => cell.trim() !== ''))
      return { line, cells: new Map(), unfit: unfit(line) };
    return { line, cells: new Map(header.map((name, index) => [name, record[index] ?? ''])) };
  };
  return rows.values().drop(1).map(toLine);
}

const DEEPEST = 32;
const MOST_ATTRIBUTES = 500;

async function xmlLines(text: string, { row }: StatusConfig): Promise<readonly Line[]> {
  const parser = new SaxesParser({ xmlns: false, position: true });
  const found: Line[] = [];
  const path: string[] = [];
  let current: { line: number; depth: number; cells: Map<string, string> } | null = null;
  const local = (name: string) => name.slice(name.indexOf(':') + 1);
  const stop = (de: string, en: string): never => {
    throw new Malformed(parser.line, { de, en });
  };
  // Entities of its own are how a document of some bytes becomes one of gigabytes, or reads other files.
  parser.on('doctype', () => stop('DOCTYPE ist nicht erlaubt', 'a DOCTYPE is not allowed'));
  parser.on('error', () => stop('kein wohlgeformtes XML', 'not well-formed XML'));
  // Counted as they come: what belongs to one element is made in one go.
  let own = 0;
  parser.on('opentagstart', () => void (own = 0));
  parser.on('attribute', () => {
    if (++own > MOST_ATTRIBUTES) stop('zu viele Attribute an einem Element', 'an element with too many attributes');
  });
  parser.on('opentag', ({ name, attributes }) => {
    path.push(local(name));
    if (path.length > DEEPEST) stop('zu tief verschachtelt', 'nested too deeply');
    if (current === null && local(name) === row) {
      current = { line: parser.line, depth: path.length, cells: new Map() };
      for (const [attribute, value] of Object.entries(attributes)) current.cells.set(`@${local(attribute)}`, value);
    }
  });
  const addText = (part: string) => {
    if (current === null || path.length === current.depth) return;
    const name = path.slice(current.depth).join('/');
    current.cells.set(name, (current.cells.get(name) ?? '') + part);
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    if (current !== null && path.length === current.depth) {
      found.push({ line: current.line, cells: current.cells });
      current = null;
    }
    path.pop();
  });
  for await (const piece of inPieces(legalXml(text))) parser.write(piece);
  parser.close();
  return found;
}
