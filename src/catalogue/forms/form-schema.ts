import type { Json, Localised } from '#contract';
import type { DataElement, DataField, DataGroup, DataMember, DataSchema } from './data-schema.ts';
import { selectionSchema, type CodeLists } from './code-lists.ts';
import { ruleSchema } from './rules.ts';
import { valueSchema } from './value-schema.ts';

/** What a schema says and a form cannot check: people have to. */
export interface Unconverted {
  readonly kind: 'rule' | 'codeList' | 'limit' | 'content' | 'element';
  /** Of the rule, field or group. */
  readonly id: string;
  readonly name: string;
  readonly line: number;
  /** The rule's text, the limit as it is written. */
  readonly text: string;
  readonly reason: Localised;
}

/** A JSON Schema (2020-12) as it is built. */
export type SchemaObject = Record<string, Json>;

/** A form made of a data schema. */
export interface ConvertedForm {
  readonly schema: SchemaObject;
  readonly unconverted: readonly Unconverted[];
}

/** Notes what was not converted, and why. */
export type Note = (kind: Unconverted['kind'], of: Pick<Unconverted, 'id' | 'name' | 'line'>, text: string, reason: Localised) => void;

/**
 * DataSchema → JSON Schema 2020-12, the form as applicants get it.
 *
 *   field, group      a property under its id; `title` and `description` are what the applicant reads
 *   how often         required from 1; an array where more than one may be
 *   label             no property: stands under `x-fim.labels` of its group, with the property it comes before
 *   hidden, locked    `readOnly` and never required: no applicant can fill it in
 *   choice            exactly one property
 *
 * Everything keeps its id, version and kind under `x-fim`, so that back offices and editors find it again.
 */
export function toFormSchema(schema: DataSchema, codeLists: CodeLists): ConvertedForm {
  const found: Unconverted[] = [];
  const note: Note = (kind, { id, name, line }, text, reason) => found.push({ kind, id, name, line, text, reason });
  const checkedRules = new Set<string>();
  const { properties, ...rest } = objectSchema(schema, { codeLists, note, checkedRules });
  const left = unconvertedOnce(found, checkedRules);
  const unchecked = left.filter(({ kind }) => kind === 'rule').map(({ id, name, text }) => ({ id, name, text }));
  return {
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: schema.label,
      ...(schema.help ? { description: schema.help } : {}),
      ...rest,
      'x-fim': {
        ...(rest['x-fim'] as SchemaObject),
        standard: `xdatenfelder ${schema.standard}`,
        ...(unchecked.length > 0 ? { uncheckedRules: unchecked } : {}),
      },
      properties: properties as SchemaObject,
    },
    unconverted: left,
  };
}

/** A rule is often written down in several places; it counts as unchecked where none of them could be converted. */
function unconvertedOnce(found: readonly Unconverted[], checkedRules: ReadonlySet<string>): readonly Unconverted[] {
  const told = new Set<string>();
  return found.filter(({ kind, id, text }) => {
    if (kind !== 'rule') return true;
    const mark = `${id} ${text}`;
    const first = !told.has(mark) && !checkedRules.has(mark);
    told.add(mark);
    return first;
  });
}

interface Conversion {
  readonly codeLists: CodeLists;
  readonly note: Note;
  /** Ids and texts of rules that the form checks. */
  readonly checkedRules: Set<string>;
}

/** A member that becomes a property, under its name. */
interface Property {
  readonly name: string;
  readonly member: DataMember;
}

const fim = ({ kind, id, version }: DataElement & { kind: string }): SchemaObject => ({ kind, id, ...(version ? { version } : {}) });

const isLabel = ({ element }: DataMember): boolean =>
  element.kind === 'field' && (element.fieldKind === 'label' || element.valueType === 'obj');

/** True if an applicant has something to say: a group of labels alone is text. */
const asks = (member: DataMember): boolean => {
  if (member.most === 0) return false;
  return member.element.kind === 'field' ? !isLabel(member) : member.element.members.some(asks);
};

function objectSchema(group: DataSchema | DataGroup, conversion: Conversion): SchemaObject {
  const { note } = conversion;
  const labels: SchemaObject[] = [];
  let waiting: SchemaObject[] = [];
  const names = new Map<string, number>();
  const found: Property[] = [];
  for (const member of group.members) {
    const { element } = member;
    if (member.most === 0) {
      note('element', element, '0:0', { de: 'kommt laut Schema nicht vor', en: 'does not occur, says the schema' });
      continue;
    }
    if (!asks(member)) {
      const texts = labelsOf(member);
      labels.push(...texts);
      waiting.push(...texts);
      continue;
    }
    // The same element in two versions side by side.
    const earlier = names.get(element.id) ?? 0;
    names.set(element.id, earlier + 1);
    const name = earlier === 0 ? element.id : `${element.id}_${element.version.replaceAll(/[^A-Za-z0-9]+/g, '_') || earlier + 1}`;
    for (const label of waiting) label['before'] = name;
    waiting = [];
    found.push({ name, member });
  }

  const choice = group.kind === 'group' && group.choice;
  const required = choice ? [] : found.filter(({ member }) => member.least > 0 && canFillIn(member)).map(({ name }) => name);
  const rules = rulesOf(group, found, conversion);
  return {
    type: 'object',
    'x-fim': { ...fim(group), ...(labels.length > 0 ? { labels } : {}) },
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
    ...(choice ? { minProperties: 1, maxProperties: 1 } : {}),
    properties: Object.fromEntries(found.map(({ name, member }) => [name, propertySchema(member, conversion)])),
    ...(rules.length > 0 ? { allOf: rules } : {}),
  };
}

const canFillIn = ({ element, most }: DataMember): boolean =>
  element.kind === 'group'
    ? most !== 0 && element.members.some((member) => asks(member) && canFillIn(member))
    : element.fieldKind !== 'hidden' && element.fieldKind !== 'locked';

function labelsOf({ element }: DataMember): SchemaObject[] {
  if (element.kind === 'group') return element.members.flatMap(labelsOf);
  const { id, label, content } = element;
  return [{ id, title: label, ...(content ? { text: content } : {}) }];
}

function propertySchema(member: DataMember, conversion: Conversion): SchemaObject {
  const { element, least, most } = member;
  const one: SchemaObject = {
    title: element.label,
    ...(element.help ? { description: element.help } : {}),
    ...(element.kind === 'group' ? objectSchema(element, conversion) : fieldSchema(element, least > 0, conversion)),
  };
  if (most === 1) return one;
  return {
    title: element.label,
    type: 'array',
    ...(least > 0 ? { minItems: least } : {}),
    ...(most === null ? {} : { maxItems: most }),
    items: one,
  };
}

function fieldSchema(field: DataField, needed: boolean, { codeLists, note }: Conversion): SchemaObject {
  const { fieldKind, valueType } = field;
  const fixed = fieldKind === 'hidden' || fieldKind === 'locked';
  const value = fieldKind === 'select' ? selectionSchema(field, codeLists, note) : valueSchema(field, needed && !fixed, note);
  if (fixed && needed)
    note('element', field, fieldKind, {
      de: 'ausgeblendet oder gesperrt: kann niemand ausfüllen, ist darum keine Pflicht',
      en: 'hidden or locked: nobody can fill it in, so it is not required',
    });
  const { 'x-fim': more, ...rest } = value;
  return {
    ...rest,
    ...(fixed ? { readOnly: true } : {}),
    'x-fim': { ...fim(field), input: fieldKind, type: valueType, ...(more as SchemaObject | undefined) },
  };
}

function rulesOf(group: DataSchema | DataGroup, found: readonly Property[], { note, checkedRules }: Conversion): SchemaObject[] {
  const fields = found
    .filter(({ member }) => canFillIn(member))
    .map(({ name, member: { element } }) => ({ name, id: element.id, label: element.label }));
  // A rule about several fields is often written at each of them: what it means, it means where they stand side by side.
  const all = [...group.rules, ...group.members.flatMap(({ element }) => (element.kind === 'field' ? element.rules : []))];
  const distinct = new Map(all.map((rule) => [`${rule.id} ${rule.text}`, rule]));
  return [...distinct.values()].flatMap((rule) => {
    const converted = ruleSchema(rule, fields);
    if ('schema' in converted) checkedRules.add(`${rule.id} ${rule.text}`);
    else note('rule', rule, rule.text, converted.reason);
    return 'schema' in converted ? [converted.schema] : [];
  });
}
