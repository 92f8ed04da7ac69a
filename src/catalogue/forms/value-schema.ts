import type { DataField, LimitName, ValueType } from './data-schema.ts';
import type { Note, SchemaObject } from './form-schema.ts';
import { linearPattern } from './pattern.ts';

/** Longest pattern that is taken over. */
const longestPattern = 1000;

const time = '^([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d)?$';

/** What each type of value is in JSON. */
const basics: Readonly<Record<Exclude<ValueType, 'obj'>, SchemaObject>> = {
  text: { type: 'string' },
  text_latin: { type: 'string' },
  date: { type: 'string', format: 'date' },
  time: { type: 'string', pattern: time, 'x-expected': { de: 'eine Uhrzeit als HH:MM', en: 'a time as HH:MM' } },
  datetime: { type: 'string', format: 'date-time' },
  bool: { type: 'boolean' },
  num: { type: 'number' },
  num_int: { type: 'integer' },
  num_currency: { type: 'number', 'x-decimals': 2 },
  // The document itself travels as an attachment; the form names it.
  file: { type: 'string', format: 'uuid' },
};

const isText = (type: ValueType): boolean => type === 'text' || type === 'text_latin';
const isNumber = (type: ValueType): boolean => type === 'num' || type === 'num_int' || type === 'num_currency';

/** The schema of one value that an applicant enters; `needed` makes an empty text none. */
export function valueSchema(field: DataField, needed: boolean, note: Note): SchemaObject {
  const { valueType } = field;
  if (valueType === 'obj') return { type: 'string' };
  const schema: SchemaObject = { ...basics[valueType] };
  if (field.otherLimits)
    note('limit', field, field.otherLimits, {
      de: 'Präzisierung in freiem Text: nur Menschen prüfen sie',
      en: 'limit in free text: only people check it',
    });
  for (const [name, text] of Object.entries(field.limits)) {
    const limit = limitSchema(name as LimitName, text, valueType);
    if (limit) Object.assign(schema, limit);
    else
      note('limit', field, `${name} ${text}`, {
        de: `passt nicht zu einem Feld der Art ${valueType} oder ist nicht lesbar`,
        en: `does not fit a field of type ${valueType}, or cannot be read`,
      });
  }
  for (const [low, high] of [
    ['minLength', 'maxLength'],
    ['minimum', 'maximum'],
    ['formatMinimum', 'formatMaximum'],
  ] as const) {
    const least = schema[low] as number | string | undefined;
    const most = schema[high] as number | string | undefined;
    if (least === undefined || most === undefined || least <= most) continue;
    // Nothing could ever be entered.
    note('limit', field, `${low} ${least}, ${high} ${most}`, {
      de: 'die Grenzen schließen einander aus',
      en: 'the limits exclude each other',
    });
    delete schema[low];
    delete schema[high];
  }
  if (needed && isText(valueType) && schema['maxLength'] !== 0) schema['minLength'] = Math.max(1, Number(schema['minLength'] ?? 0));
  if (valueType === 'file' && (field.mediaTypes.length > 0 || field.maxSize))
    schema['x-fim'] = {
      ...(field.mediaTypes.length > 0 ? { mediaTypes: field.mediaTypes } : {}),
      ...(field.maxSize ? { maxSize: field.maxSize } : {}),
    };
  return { ...schema, ...firstValue(field, note) };
}

function limitSchema(name: LimitName, text: string, type: ValueType): SchemaObject | null {
  switch (name) {
    case 'minLength':
    case 'maxLength':
      return isText(type) && /^\d{1,9}$/.test(text) ? { [name]: Number(text) } : null;
    case 'minValue':
    case 'maxValue': {
      const bound = name === 'minValue' ? 'inimum' : 'aximum';
      const number = text.replace(',', '.');
      if (isNumber(type)) return /^-?\d{1,15}(\.\d{1,10})?$/.test(number) ? { [`m${bound}`]: Number(number) } : null;
      return type === 'date' && isDay(text) ? { [`formatM${bound}`]: text } : null;
    }
    case 'pattern': {
      const pattern = isText(type) ? patternOf(text) : null;
      return pattern === null ? null : { pattern };
    }
  }
}

const isDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && (new Date(`${text}T00:00:00Z`).toJSON() ?? '').startsWith(text);

/** A pattern means the whole text, as in XML Schema. */
function patternOf(text: string): string | null {
  const whole = /^\^|\$$/.test(text) ? text : `^(?:${text})$`;
  try {
    linearPattern(whole);
    return text.length <= longestPattern ? whole : null;
  } catch {
    return null;
  }
}

/** What the field holds before anybody has entered something. A declaration is never made in advance. */
function firstValue(field: DataField, note: Note): SchemaObject {
  const { content, valueType } = field;
  if (!content) return {};
  if (isText(valueType)) return { default: content };
  if (isNumber(valueType) && /^-?\d{1,15}([.,]\d{1,10})?$/.test(content)) return { default: Number(content.replace(',', '.')) };
  if (valueType === 'date' && isDay(content)) return { default: content };
  note('content', field, content, { de: 'als Vorbelegung nicht übernommen', en: 'not taken over as a first value' });
  return {};
}
