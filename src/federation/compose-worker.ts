import { composeServices } from '@theguild/federation-composition';
import { BREAK, Kind, parse, visit, type ASTNode, type DefinitionNode, type DocumentNode, type GraphQLError, type TypeNode } from 'graphql';
import { checkContract, readHubTypes, type Grants, type HubTypes } from './contract-check.ts';
import { objections, type Objection } from './objections.ts';
import { separateRequiredValues, type RequiredValues } from './required-values.ts';
import { answerQuestions } from './helper.ts';

/*
 * The thread that composes. Satisfiability, the expensive part, grows exponentially with the subgraphs that extend one entity, so
 * each is checked alone against the hub: names keep cities apart (contract-check.ts), so no city's answer depends on another's,
 * and what is satisfiable in pairs is satisfiable together.
 */

/** A subgraph to be composed. */
export interface Part {
  readonly name: string;
  readonly url: string;
  readonly sdl: string;
  readonly grants: Grants;
}

/** What the thread is asked. */
export interface ComposeQuestion {
  readonly hub: string;
  readonly parts: readonly Part[];
}

/** The supergraph of those that keep the contract, and what is wrong with the others. */
export interface Composed {
  readonly supergraphSdl: string;
  /** What callers see. */
  readonly publicSdl: string;
  readonly requiredValues: RequiredValues;
  readonly refused: readonly { readonly name: string; readonly objections: readonly Objection[] }[];
}

let hubRead: { readonly sdl: string; readonly types: HubTypes; readonly outline: DocumentNode } | null = null;
/** Objections by what was checked: most of what is composed was composed before. */
const checked = new Map<string, readonly Objection[]>();

function objectionsTo(hub: string, part: Part): readonly Objection[] {
  if (hubRead?.sdl !== hub) {
    checked.clear();
    hubRead = { sdl: hub, types: readHubTypes(hub), outline: outlineOf(hub) };
  }
  const key = JSON.stringify([part.name, part.sdl, part.grants]);
  let found = checked.get(key);
  if (!found) {
    found = checkContract(part.name, part.sdl, hubRead.types, part.grants);
    if (found.length === 0) {
      const own = service(part.name, part.sdl);
      // With what subgraphs have to do with it is quick; what fails there may need the rest.
      const quick = composeServices([{ ...own, name: 'hub', typeDefs: hubRead.outline }, own]);
      const { errors = [] } = quick.errors ? composeServices([service('hub', hub), own]) : quick;
      found = errors.map((error) => placed(part.sdl, error));
    }
    if (checked.size >= 500) checked.clear();
    checked.set(key, found);
  }
  return found;
}

/**
 * The hub's scalars, enums and shareable types whole, of its entities the fields without arguments that hold scalars, and a
 * root that leads to each: all that a subgraph refers to.
 */
function outlineOf(hub: string): DocumentNode {
  const { definitions } = parse(hub, { noLocation: true });
  const leaves = new Set(['ID', 'String', 'Int', 'Float', 'Boolean']);
  for (const part of definitions)
    if (part.kind === Kind.SCALAR_TYPE_DEFINITION || part.kind === Kind.ENUM_TYPE_DEFINITION) leaves.add(part.name.value);
  const named = (type: TypeNode): string => (type.kind === Kind.NAMED_TYPE ? type.name.value : named(type.type));
  const entities: string[] = [];
  const kept = definitions.flatMap((part): DefinitionNode[] => {
    if (part.kind === Kind.SCALAR_TYPE_DEFINITION || part.kind === Kind.ENUM_TYPE_DEFINITION) return [part];
    if (part.kind === Kind.SCHEMA_EXTENSION) return [part];
    if (
      part.kind !== Kind.OBJECT_TYPE_DEFINITION ||
      !part.directives?.some(({ name }) => name.value === 'key' || name.value === 'shareable')
    )
      return [];
    if (part.directives.some(({ name }) => name.value === 'key')) entities.push(part.name.value);
    return [
      {
        ...part,
        interfaces: [],
        fields: part.fields?.filter(({ type, arguments: given = [] }) => given.length === 0 && leaves.has(named(type))) ?? [],
      },
    ];
  });
  const roots = parse(`type Query { ${entities.map((name) => `hub${name}: ${name}`).join(' ')} }`, { noLocation: true });
  return { kind: Kind.DOCUMENT, definitions: [...kept, ...roots.definitions] };
}

const service = (name: string, sdl: string, url = 'http://hub.invalid/') => ({ name, url, typeDefs: parse(sdl) });

/** The composer names coordinates, not places: where the first of them stands in the SDL, or is referred to, is where to look. */
function placed(sdl: string, { message }: GraphQLError): Objection {
  const said = objections.notComposed(message);
  const { definitions } = parse(sdl);
  const at = (node: ASTNode | undefined): Objection | undefined => {
    const token = node?.loc?.startToken;
    return token && { line: token.line, column: token.column, ...said };
  };
  for (const [, type = '', field] of message.matchAll(/\b([A-Z]\w*)(?:\.(\w+))?/g)) {
    for (const part of definitions) {
      if (!('name' in part) || part.name?.value !== type || part.kind === Kind.DIRECTIVE_DEFINITION) continue;
      const own = 'fields' in part ? part.fields?.find((one) => one.name.value === field) : undefined;
      const place = at(own ?? (field === undefined ? part : undefined));
      if (place) return place;
    }
    const place = at(firstReference(definitions, type));
    if (place) return place;
  }
  return { line: 1, column: 1, ...said };
}

function firstReference(definitions: readonly ASTNode[], type: string): ASTNode | undefined {
  for (const definition of definitions) {
    let found: ASTNode | undefined;
    visit(definition, {
      NamedType: (node) => {
        if (node.name.value !== type) return undefined;
        found = node;
        return BREAK;
      },
    });
    if (found) return found;
  }
  return undefined;
}

answerQuestions(({ hub, parts }: ComposeQuestion): Composed => {
  const judged = parts.map((part) => ({ part, objections: objectionsTo(hub, part) }));
  const good = judged.filter((one) => one.objections.length === 0).map(({ part }) => part);
  const services = [service('hub', hub), ...good.map(({ name, sdl, url }) => service(name, sdl, url))];
  const { parts: separated, values } = separateRequiredValues(services);
  const composed = composeServices([...separated], {
    disableValidationRules: ['SatisfiabilityRule'],
  });
  if (composed.supergraphSdl === undefined) throw new Error(composed.errors.map(({ message }) => message).join('; '));
  return {
    supergraphSdl: composed.supergraphSdl,
    publicSdl: composed.publicSdl,
    requiredValues: values,
    refused: judged.flatMap(({ part, objections: found }) => (found.length > 0 ? [{ name: part.name, objections: found }] : [])),
  };
});
