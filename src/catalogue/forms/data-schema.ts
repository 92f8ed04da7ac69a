/*
 * A data schema (Datenschema) of FIM as it is read from XDatenfelder, whatever its version. Names of the standard are kept
 * where they are its own terms.
 *
 *   DataSchema → members: each a field or a group, with how often it occurs; a group has members itself
 */

/** What schema, group and field have in common. */
export interface DataElement {
  /** For example `F60000227`. */
  readonly id: string;
  readonly version: string;
  /** The editors' name. */
  readonly name: string;
  /** What the applicant reads (bezeichnungEingabe); the name where there is none. */
  readonly label: string;
  /** Help for the applicant (hilfetextEingabe); empty if there is none. */
  readonly help: string;
  /** Line of the document on which it begins. */
  readonly line: number;
  readonly rules: readonly DataRule[];
}

export interface DataSchema extends DataElement {
  readonly kind: 'schema';
  /** XDatenfelder, major version. */
  readonly standard: 1 | 2 | 3;
  readonly members: readonly DataMember[];
}

export interface DataGroup extends DataElement {
  readonly kind: 'group';
  /** Auswahlgruppe: exactly one of its members is filled in. */
  readonly choice: boolean;
  readonly members: readonly DataMember[];
}

/** A field or group in its place, with how often it occurs there (anzahl); `most` is null if there is no bound. */
export interface DataMember {
  readonly least: number;
  readonly most: number | null;
  readonly element: DataGroup | DataField;
}

/** Kinds of field (feldart). */
export const fieldKinds = ['input', 'select', 'label', 'hidden', 'locked'] as const;
export type FieldKind = (typeof fieldKinds)[number];

/** Types of value (datentyp). */
export const valueTypes = [
  'text',
  'text_latin',
  'date',
  'time',
  'datetime',
  'bool',
  'num',
  'num_int',
  'num_currency',
  'file',
  'obj',
] as const;
export type ValueType = (typeof valueTypes)[number];

export interface DataField extends DataElement {
  readonly kind: 'field';
  readonly fieldKind: FieldKind;
  readonly valueType: ValueType;
  /** Limits by name (praezisierung), as they are written. */
  readonly limits: Readonly<Partial<Record<LimitName, string>>>;
  /** What stands as praezisierung and is none of these. */
  readonly otherLimits: string;
  /** Content of a label, first value of an input (inhalt). */
  readonly content: string;
  /** The values of a selection where they stand in the document itself. */
  readonly values: readonly CodeValue[];
  /** The code list that a selection refers to. */
  readonly codeList: CodeListReference | null;
  /** For files: media types, and the largest size as it is written. */
  readonly mediaTypes: readonly string[];
  readonly maxSize: string;
}

export const limitNames = ['minLength', 'maxLength', 'minValue', 'maxValue', 'pattern'] as const;
export type LimitName = (typeof limitNames)[number];

/** One value of a code list: the code is what is sent, the name what people read. */
export interface CodeValue {
  readonly code: string;
  readonly name: string;
  readonly help?: string;
}

export interface CodeListReference {
  /** URI of the list without version (canonicalIdentification). */
  readonly uri: string;
  /** Empty: the newest. */
  readonly version: string;
  /** Columns of code and name where they are not the list's first. */
  readonly codeColumn: string;
  readonly nameColumn: string;
}

/** A rule (Regel) between fields. */
export interface DataRule {
  readonly id: string;
  readonly name: string;
  /** What it demands, in the editors' words. */
  readonly text: string;
  readonly line: number;
}
