import type { Operation, SoapConfig } from './config.ts';
import { nameOf } from './mapping.ts';
import { createSchemas, type Content, type Declared, type Schemas } from './schema.ts';
import type { Named, Wsdl } from './wsdl.ts';

/** What the city's file says otherwise than the WSDL: one sentence each, beginning with the setting to change. */
export function compare(config: SoapConfig, wsdl: Wsdl): string[] {
  const schemas = createSchemas(wsdl.schemas);
  const form = schemas.formOf(config.namespace);
  const complaints = form !== null && form !== config.elements ? [`elements: the schema of ${config.namespace} says ${form}`] : [];
  for (const [name, operation] of Object.entries(config.operations)) {
    if (!operation) continue;
    const where = `operations.${name}`;
    const said = compareOperation(where, operation, config, wsdl);
    if (Array.isArray(said)) {
      complaints.push(...said);
      continue;
    }
    // In the wrong form, every single element would be complained about.
    if (complaints.length > 0) continue;
    complaints.push(...compareFields(`${where}.fields`, operation, config, schemas));
    const answer = said.output && schemas.find(said.output);
    if (answer) complaints.push(...compareAnswer(where, name, operation, config, answer));
  }
  return [...new Set(complaints)];
}

function compareOperation(
  where: string,
  operation: Operation,
  config: SoapConfig,
  { operations }: Wsdl,
): string[] | { output: Named | null } {
  const { namespace, version } = config;
  const same = operations.filter(({ input, name }) => (input === null ? name : input.name) === operation.element);
  const exact = same.filter(({ input }) => input?.namespace === namespace);
  const elsewhere = same.find(({ input }) => input !== null && input.namespace !== namespace);
  if (exact.length === 0 && elsewhere?.input)
    return [`namespace: the WSDL has ${operation.element} in ${elsewhere.input.namespace || 'no namespace'}`];
  if (exact.length === 0 && same.length > 0)
    return [`${where}.element: ${operation.element} is an rpc operation; this adapter speaks document/literal only`];
  if (exact.length === 0) {
    const names = [...new Set(operations.flatMap(({ input }) => input?.name ?? []))];
    return [
      `${where}.element: the WSDL has no operation that takes ${operation.element}; it has ${names.slice(0, 20).join(', ') || 'none'}`,
    ];
  }
  const found = exact.find((one) => one.version === version);
  if (!found) return [`version: the WSDL binds ${operation.element} to SOAP ${exact[0]?.version}`];
  if (found.style !== 'document')
    return [`${where}.element: ${operation.element} is ${found.style}; this adapter speaks document/literal only`];
  const { output, action } = found;
  return action !== operation.action
    ? [`${where}.action: the WSDL has "${action}"`]
    : output && operation.answer !== undefined && output.name !== operation.answer
      ? [`${where}.answer: the WSDL has ${output.name}`]
      : output && output.namespace !== namespace
        ? [`${where}: its answer ${output.name} is in ${output.namespace}, not in namespace`]
        : { output };
}

interface Sent extends Named {
  readonly attribute: boolean;
  readonly below: Sent[];
}

/** Elements as they would be sent: unknown ones, wrong order, required ones left out. */
function compareFields(where: string, operation: Operation, config: SoapConfig, schemas: Schemas): string[] {
  const root: Sent = { name: operation.element, namespace: config.namespace, attribute: false, below: [] };
  const paths = Object.entries(operation.fields).flatMap(([path, from]) =>
    typeof from === 'string' ? [path] : [path, ...Object.keys(from.fields).map((below) => path + below)],
  );
  for (const path of paths) {
    let place = root;
    for (const part of path.split('/').slice(1)) {
      const attribute = part.startsWith('@');
      const named = attribute ? { name: part.slice(1), namespace: '' } : nameOf(part, config);
      const before = place.below.find((one) => one.name === named.name && one.namespace === named.namespace && one.attribute === attribute);
      if (!before) place.below.push({ ...named, attribute, below: [] });
      place = before ?? (place.below.at(-1) as Sent);
    }
  }
  const declared = schemas.find(root);
  return declared ? compareSent(where, '', root, declared) : [];
}

function compareSent(where: string, path: string, sent: Sent, declared: Declared): string[] {
  const content = declared.content();
  if (!content) return [];
  const complaints: string[] = [];
  const places: number[] = [];
  const known = content.elements.map(({ name }) => name).join(', ') || 'no elements';
  for (const one of sent.below) {
    const here = `${path}/${one.attribute ? '@' : ''}${one.name}`;
    if (one.attribute) {
      if (!content.attributes.includes(one.name))
        complaints.push(`${where}: the schema has no attribute ${here}; it has ${content.attributes.join(', ') || 'none'}`);
      continue;
    }
    const index = content.elements.findIndex(({ name, namespace }) => name === one.name && namespace === one.namespace);
    const other = content.elements.find(({ name }) => name === one.name);
    const target = content.elements[index];
    if (target) {
      places.push(index);
      complaints.push(...compareSent(where, here, one, target));
    } else if (other)
      complaints.push(`${where}: ${here} is in ${other.namespace || 'no namespace'}: give it a prefix and declare it under prefixes`);
    else complaints.push(`${where}: the schema has no ${here}; below ${path || 'it'} it has ${known}`);
  }
  if (content.ordered && places.some((place, index) => place < (places[index - 1] ?? 0)))
    complaints.push(`${where}: the schema has the elements below ${path || 'it'} in the order ${known}`);
  const missing = content.elements.filter(({ name, required }) => required && !sent.below.some((one) => one.name === name));
  if (missing.length > 0)
    complaints.push(`${where}: the schema asks for ${missing.map(({ name }) => `${path}/${name}`).join(', ')} as well`);
  return complaints;
}

/** Paths that are read from an answer. */
function compareAnswer(where: string, name: string, operation: Operation, { case: fields }: SoapConfig, answer: Declared): string[] {
  const items = (operation as { items?: string }).items ?? '';
  const own: readonly (readonly [setting: string, path: string])[] =
    name === 'submit'
      ? [
          ['case.in', fields.in],
          ['case.id', fields.in + fields.id],
        ]
      : name === 'withdraw'
        ? []
        : [
            [`${where}.items`, items],
            ['case.id', items + fields.id],
            ...(name === 'find' ? [[`${where}.key`, items + (operation as { key?: string }).key] as const] : []),
            ...(name === 'load' || name === 'changes'
              ? ([
                  ['case.status', items + fields.status],
                  ['case.updatedAt', items + fields.updatedAt],
                ] as const)
              : []),
          ];
  return own.flatMap(([setting, path]) => {
    let place: Declared | undefined = answer;
    for (const part of path.split('/').slice(1)) {
      const content: Content | null = place.content();
      if (!content) return [];
      if (part.startsWith('@'))
        return content.attributes.includes(part.slice(1)) ? [] : [`${setting}: ${answer.name} has no attribute ${path}`];
      place = content.elements.find(({ name: known }) => known === part);
      if (!place)
        return [
          `${setting}: ${answer.name} has no ${path}; there it has ${content.elements.map(({ name: known }) => known).join(', ') || 'no elements'}`,
        ];
    }
    return [];
  });
}
