import { schemaNamespace, type Named } from './wsdl.ts';
import { attributeOf, qualified, type Element } from './xml.ts';

/** What an XML Schema says about an element, as far as a mapping can be wrong about it. */
export interface Declared extends Named {
  readonly required: boolean;
  /** In order; null where the schema leaves it open or cannot be had, and nothing can be said. */
  content(): Content | null;
}

export interface Content {
  readonly elements: readonly Declared[];
  readonly attributes: readonly string[];
  /** Elements come in the order of the list. */
  readonly ordered: boolean;
}

/** Looks elements up in the schemas of a WSDL. */
export interface Schemas {
  find(wanted: Named): Declared | null;
  /** elementFormDefault of a namespace; null where there is no schema of it. */
  formOf(namespace: string): 'qualified' | 'unqualified' | null;
}

/** A part of a type that may be open: unknown bases and wildcards. */
interface Draft {
  elements: Declared[];
  attributes: string[];
  ordered: boolean;
  open: boolean;
}

const of = (parent: Element, name: string): readonly Element[] =>
  parent.children.filter((child) => child.name === name && child.namespace === schemaNamespace);

export function createSchemas(schemas: readonly Element[]): Schemas {
  const namespaceOf = (schema: Element) => attributeOf(schema, 'targetNamespace') ?? '';
  const formOf = (schema: Element) => (attributeOf(schema, 'elementFormDefault') === 'qualified' ? 'qualified' : 'unqualified');
  const global = (kind: string, { name, namespace }: Named) => {
    for (const schema of schemas)
      if (namespaceOf(schema) === namespace)
        for (const one of of(schema, kind)) if (attributeOf(one, 'name') === name) return { element: one, schema };
    return null;
  };

  function declare(element: Element, schema: Element, required: boolean): Declared | null {
    const ref = attributeOf(element, 'ref');
    if (ref !== undefined) {
      const target = global('element', qualified(element, ref));
      return target ? declare(target.element, target.schema, required) : { ...qualified(element, ref), required, content: () => null };
    }
    const name = attributeOf(element, 'name');
    if (name === undefined) return null;
    const top = schema.children.includes(element);
    const form = attributeOf(element, 'form') ?? formOf(schema);
    return { name, namespace: top || form === 'qualified' ? namespaceOf(schema) : '', required, content: () => contentOf(element, schema) };
  }

  function contentOf(element: Element, schema: Element): Content | null {
    const draft: Draft = { elements: [], attributes: [], ordered: true, open: false };
    const type = attributeOf(element, 'type');
    const inline = of(element, 'complexType')[0];
    if (type !== undefined) addNamed(qualified(element, type), draft, 0);
    else if (inline) addType(inline, schema, draft, 0);
    return draft.open ? null : draft;
  }

  function addNamed(name: Named, draft: Draft, depth: number): void {
    if (name.namespace === schemaNamespace) draft.open ||= name.name === 'anyType';
    else {
      const type = global('complexType', name);
      if (type) addType(type.element, type.schema, draft, depth + 1);
      else draft.open ||= global('simpleType', name) === null;
    }
  }

  function addType(parent: Element, schema: Element, draft: Draft, depth: number, optional = false): void {
    // A type may be made of itself by mistake.
    if (depth > 30) return void (draft.open = true);
    for (const part of parent.children.filter(({ namespace }) => namespace === schemaNamespace)) {
      const mayMiss = optional || attributeOf(part, 'minOccurs') === '0';
      if (part.name === 'element') {
        const declared = declare(part, schema, !mayMiss);
        if (declared) draft.elements.push(declared);
      } else if (part.name === 'attribute')
        draft.attributes.push(attributeOf(part, 'name') ?? qualified(part, attributeOf(part, 'ref') ?? '').name);
      else if (part.name === 'any' || part.name === 'anyAttribute') draft.open = true;
      else if (part.name === 'choice' || part.name === 'all') {
        draft.ordered = false;
        addType(part, schema, draft, depth + 1, mayMiss || part.name === 'choice');
      } else if (part.name === 'extension') {
        addNamed(qualified(part, attributeOf(part, 'base') ?? ''), draft, depth + 1);
        addType(part, schema, draft, depth + 1, optional);
      } else if ((part.name === 'group' || part.name === 'attributeGroup') && attributeOf(part, 'ref') !== undefined) {
        const group = global(part.name, qualified(part, attributeOf(part, 'ref') ?? ''));
        if (group) addType(group.element, group.schema, draft, depth + 1, mayMiss);
        else draft.open = true;
      } else if (/^(sequence|complexContent|simpleContent|restriction)$/.test(part.name)) addType(part, schema, draft, depth + 1, mayMiss);
    }
  }

  return {
    find(wanted) {
      const found = global('element', wanted);
      return found && declare(found.element, found.schema, true);
    },
    formOf(namespace) {
      const schema = schemas.find((one) => namespaceOf(one) === namespace);
      return schema ? formOf(schema) : null;
    },
  };
}
