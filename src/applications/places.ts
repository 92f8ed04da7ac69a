import type { Json } from '#contract';
import type { Catalogue, Municipality, Offer } from '../catalogue/catalogue.ts';
import { valueAt, type MarkPlaces } from '../catalogue/forms/marks.ts';
import { comparable } from '../catalogue/search/words.ts';
import type { FieldProblem } from './applications.ts';

/*
 * What a form says of places, compared with the register of municipalities. Where a move comes from decides which city is told:
 * what names none, or several, is asked of the citizen while they are there to answer.
 */

type Register = Pick<Catalogue, 'findMunicipality' | 'listMunicipalities' | 'keys'>;

interface PlaceNode {
  readonly 'x-place'?: 'ars' | 'postal-code' | 'name' | 'here';
  readonly properties?: Readonly<Record<string, PlaceNode>>;
}

const unknown = {
  de: 'Diesen ARS hat keine Gemeinde. Suchen Sie die Gemeinde mit municipalities(search:).',
  en: 'No municipality has this ARS. Search for it with municipalities(search:).',
};

const escape = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
const named = ({ name, ars }: Municipality): string => `${name} (${ars})`;
const text = (value: Json | undefined): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** The problems with places in a form that is otherwise right; none if neither the form nor `marks` say anything of places. */
export function findPlaceProblems(register: Register, offer: Offer, marks: MarkPlaces['marks'], formData: Json): readonly FieldProblem[] {
  const schema = (offer.record.form?.schema ?? {}) as PlaceNode;
  const having = (postalCode: string) =>
    register.listMunicipalities({ postalCode, page: { first: 20, after: null } }).items.map((one) => one.node);
  const problems = new Map<string, FieldProblem>();
  const add = (pointer: string, code: string, message: FieldProblem['message']) =>
    problems.has(pointer) || problems.set(pointer, { pointer, code, message });

  function checkObject(node: PlaceNode, pointer: string): void {
    const parts = Object.entries(node.properties ?? {}).map(([name, below]) => ({ below, at: `${pointer}/${escape(name)}` }));
    const found = (what: PlaceNode['x-place']) => {
      const part = parts.find(({ below }) => below['x-place'] === what);
      const value = part && text(valueAt(formData, part.at));
      return part && value ? { at: part.at, value } : null;
    };
    const [ars, postalCode] = [found('ars'), found('postal-code')];
    const municipality = ars && register.findMunicipality({ ars: ars.value });
    if (ars && !municipality) add(ars.at, 'municipality', unknown);
    const lies = postalCode ? having(postalCode.value) : [];
    const meant = municipality ?? (node['x-place'] === 'here' ? register.findMunicipality({ ars: offer.ars }) : null);
    // Codes of single large receivers stand in no register of places: one that nobody has says nothing.
    if (postalCode && meant && lies.length > 0 && !lies.some((one) => register.keys.sameMunicipality(one.ars, meant.ars)))
      add(postalCode.at, 'postalCode', {
        de: `Die Postleitzahl ${postalCode.value} gehört nicht zu ${meant.name}, sondern zu ${lies.map(named).join(', ')}.`,
        en: `The postal code ${postalCode.value} is not one of ${meant.name} but of ${lies.map(named).join(', ')}.`,
      });
    for (const { below, at } of parts) checkObject(below, at);
  }

  /** A name that is another municipality's than the one whose register would be asked. */
  function checkName(node: PlaceNode, pointer: string): void {
    const value = node['x-place'] === 'name' ? text(valueAt(formData, pointer)) : null;
    if (value !== null) {
      const [at = ''] = marks['registered-in'] ?? [];
      // A registry office may serve several municipalities: who names its seat knows better.
      const own = text(valueAt(formData, at)) === null ? register.findMunicipality({ ars: offer.ars }) : null;
      const hits = register.listMunicipalities({ search: value, page: { first: 20, after: null } }).items.map((one) => one.node);
      const same = hits.filter(({ name }) => comparable(name) === comparable(value));
      if (own && same.length > 0 && !same.some((one) => register.keys.sameMunicipality(one.ars, own.ars)))
        add(at, 'municipality', {
          de: `${value} liegt nicht in ${own.name}. Bitte geben Sie den ARS der Gemeinde an, in der beurkundet wurde: ${same.map(named).join(', ')}.`,
          en: `${value} is not in ${own.name}. Please give the ARS of the municipality where it was registered: ${same.map(named).join(', ')}.`,
        });
    }
    for (const [name, below] of Object.entries(node.properties ?? {})) checkName(below, `${pointer}/${escape(name)}`);
  }

  function checkDeparture(): void {
    const given = (marks['departure'] ?? []).flatMap((at) => {
      const value = text(valueAt(formData, at));
      return value ? [{ at, value }] : [];
    });
    const [first] = given;
    if (!first) return;
    const key = given.find(({ value }) => value.length === 12);
    if (key) {
      if (!register.findMunicipality({ ars: key.value })) add(key.at, 'municipality', unknown);
      return;
    }
    const lies = having(first.value);
    if (lies.length === 1) return;
    const all = lies.map(named).join(', ');
    add(
      first.at,
      'departure',
      lies.length === 0
        ? {
            de: `Zur Postleitzahl ${first.value} ist keine Gemeinde bekannt. Bitte geben Sie den ARS Ihrer bisherigen Gemeinde an.`,
            en: `No municipality is known for the postal code ${first.value}. Please give the ARS of your previous municipality.`,
          }
        : {
            de: `Die Postleitzahl ${first.value} gehört zu mehreren Gemeinden: ${all}. Bitte geben Sie den ARS Ihrer bisherigen Gemeinde an.`,
            en: `The postal code ${first.value} belongs to several municipalities: ${all}. Please give the ARS of your previous municipality.`,
          },
    );
  }

  checkObject(schema, '');
  checkName(schema, '');
  checkDeparture();
  return [...problems.values()];
}
