import {
  GraphQLError,
  Kind,
  parse,
  print,
  type DirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type Location,
} from 'graphql';
import { federationName, hasFields, textOf, type WithFields } from './directives.ts';
import { checkRequires } from './requires-check.ts';
import { objections, type Objection, type Objecting } from './objections.ts';

/*
 * What the SDL of a subgraph must keep to so that no city can change, hide or answer what is the hub's or another city's,
 * and so that it composes with whatever other cities bring:
 *
 *   names       a new type begins with the subgraph's name, Duesseldorf…; a new field of a root or of a type of the hub with
 *               duesseldorf…: nobody else can have meant the same, and nobody can be in the way
 *   the hub's   its entities may be extended by their keys; its fields are repeated only as keys or @external, with the hub's own
 *               type; nothing of it is overridden, provided, hidden or put under another rule, unless it was granted
 *   nullable    what it adds to a root or to a type of the hub may be null: a failure behind a non-null field takes everything
 *               beside it with it, what others answered too
 *   composer    no @external on an @interfaceObject, no @requires with fragments: the composer gets them wrong
 */

/** What a subgraph may do beyond the rules; an operator decides. */
export interface Grants {
  /** Fields of the hub that it may take over (@override), as `Type.field`. */
  readonly overrides: readonly string[];
  /** Entities of the hub beside the public ones that it may extend. */
  readonly entities: readonly string[];
}

/** The hub's part, read once. */
export interface HubTypes {
  readonly byName: ReadonlyMap<string, DefinitionNode>;
  /** Fields of each object type and interface with their types as text. */
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Arguments of each field that has some, by `Type.field`, as text. */
  readonly arguments: ReadonlyMap<string, string>;
  /** Keys of each entity, as texts. */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Longest SDL, in characters: it travels in an event. */
export const longestSdl = 256 * 1024;

/** Entities that a city may extend; all others, what belongs to citizens among them, only where it was granted. */
const publicEntities = new Set(['Municipality', 'Service', 'Offer']);
const roots = new Set(['Query', 'Mutation', 'Subscription']);
/** They would hold for the hub's own elements too. */
const rulesOfOthers = new Set([
  'inaccessible',
  'tag',
  'authenticated',
  'requiresScopes',
  'policy',
  'shareable',
  'deprecated',
  'cost',
  'listSize',
]);

interface WithDirectives {
  readonly directives?: readonly DirectiveNode[] | undefined;
}

const directive = ({ directives = [] }: WithDirectives, name: string) => directives.filter((one) => federationName(one) === name);

const federationUrl = /^https:\/\/specs\.apollo\.dev\/federation\/v2\.\d+$/;

/** A @link that gives a directive another name, by which nothing here would know it. */
const renames = ({ arguments: given = [] }: DirectiveNode): boolean =>
  given.some(
    ({ name, value }) =>
      name.value === 'as' ||
      (name.value === 'import' && (value.kind !== Kind.LIST || value.values.some((imported) => imported.kind !== Kind.STRING))),
  );

const words = (fields: string): string => fields.trim().split(/\s+/).join(' ');

/** Names, types and defaults of a field's arguments, in one order. */
const argumentsText = ({ arguments: given = [] }: FieldDefinitionNode): string =>
  given
    .map(({ name, type, defaultValue }) => `${name.value}: ${print(type)}${defaultValue ? ` = ${print(defaultValue)}` : ''}`)
    .toSorted()
    .join(', ');

/** Reads the hub's SDL for the checks. */
export function readHubTypes(sdl: string): HubTypes {
  const { definitions } = parse(sdl, { noLocation: true });
  const byName = new Map(
    definitions.flatMap((part) =>
      'name' in part && part.name && part.kind !== Kind.DIRECTIVE_DEFINITION ? [[part.name.value, part] as const] : [],
    ),
  );
  const shaped = definitions.filter(hasFields);
  return {
    byName,
    fields: new Map(
      shaped.map(({ name, fields = [] }) => [name.value, new Map(fields.map((field) => [field.name.value, print(field.type)]))]),
    ),
    arguments: new Map(
      shaped.flatMap(({ name, fields = [] }) =>
        fields.flatMap((field) => (field.arguments?.length ? [[`${name.value}.${field.name.value}`, argumentsText(field)] as const] : [])),
      ),
    ),
    keys: new Map(
      shaped.flatMap((part) => {
        const keys = directive(part, 'key').flatMap((one) => textOf(one, 'fields') ?? []);
        return keys.length > 0 ? [[part.name.value, new Set(keys.map(words))] as const] : [];
      }),
    ),
  };
}

/** What of the hub begins as everything of this subgraph would; null if nothing does. */
function takenByHub(name: string, typePrefix: string, hub: HubTypes): string | null {
  const begins = (text: string, beginning: string) => text.startsWith(beginning) && !/^[a-z]/.test(text.slice(beginning.length));
  for (const type of hub.byName.keys()) if (begins(type, typePrefix)) return type;
  for (const [type, fields] of hub.fields)
    if (roots.has(type) || hub.keys.has(type)) for (const field of fields.keys()) if (begins(field, name)) return `${type}.${field}`;
  return null;
}

/** Everything that keeps an SDL from becoming a subgraph under this name; empty if nothing does. */
export function checkContract(name: string, sdl: string, hub: HubTypes, grants: Grants): readonly Objection[] {
  if (sdl.length > longestSdl) return [{ line: 1, column: 1, ...objections.tooLong(sdl.length, longestSdl) }];
  let document: DocumentNode;
  try {
    document = parse(sdl, { maxTokens: 50_000 });
  } catch (error) {
    const [place] = error instanceof GraphQLError ? (error.locations ?? []) : [];
    return [{ line: place?.line ?? 1, column: place?.column ?? 1, ...objections.syntax((error as Error).message) }];
  }
  const found: Objection[] = [];
  const object = (at: { readonly loc?: Location | undefined }, objecting: Objecting): void => {
    const token = at.loc?.startToken;
    found.push({ line: token?.line ?? 1, column: token?.column ?? 1, ...objecting });
  };
  const typePrefix = `${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`;
  const taken = takenByHub(name, typePrefix, hub);
  if (taken !== null) object({}, objections.takenByHub(name, taken));
  let isLinked = false;

  for (const part of document.definitions) {
    if (part.kind === Kind.SCHEMA_DEFINITION || part.kind === Kind.SCHEMA_EXTENSION) {
      for (const type of part.operationTypes ?? [])
        if (!roots.has(type.type.name.value)) object(type, objections.otherRoot(type.type.name.value));
      for (const linked of directive(part, 'link')) {
        isLinked ||= federationUrl.test(textOf(linked, 'url') ?? '');
        if (renames(linked)) object(linked, objections.renamed());
      }
      for (const composed of directive(part, 'composeDirective')) object(composed, objections.composedDirective());
      continue;
    }
    if (!('name' in part) || !part.name || part.kind === Kind.DIRECTIVE_DEFINITION || part.kind === Kind.OPERATION_DEFINITION) continue;
    const type = part.name.value;
    // What the protocol itself adds.
    if (type.startsWith('_') || /^(federation|link)__/.test(type)) continue;
    if (hasFields(part)) checkFields(part);
    const ofHub = hub.byName.get(type);
    if (ofHub || roots.has(type)) checkRules(part, type);
    if (roots.has(type)) continue;
    if (ofHub) checkShared(part, ofHub);
    else if (!type.startsWith(typePrefix))
      object(part.name, objections.typeName(type, `${typePrefix}${type[0]?.toUpperCase()}${type.slice(1)}`));
  }
  checkRequires(document, object);
  if (!isLinked) object(document.definitions[0] ?? {}, objections.noLink());
  return found;

  function checkRules({ directives = [] }: WithDirectives, where: string): void {
    for (const rule of directives)
      if (rulesOfOthers.has(federationName(rule))) object(rule, objections.ruleOnHub(where, federationName(rule)));
  }

  function checkFields(part: WithFields): void {
    const type = part.name.value;
    const shared = hub.fields.get(type);
    const isInterfaceObject = directive(part, 'interfaceObject').length > 0;
    for (const field of part.fields ?? []) {
      const own = field.name.value;
      if (own === '_service' || own === '_entities') continue;
      const coordinate = `${type}.${own}`;
      for (const required of directive(field, 'requires'))
        if (textOf(required, 'fields')?.includes('...')) object(required, objections.requiresFragment(coordinate));
      if (isInterfaceObject && directive(field, 'external').length > 0) object(field, objections.interfaceObjectExternal(coordinate));
      checkOverride(field, coordinate);
      // All that others could answer is the hub's, and a type between may hide whose fields they are.
      for (const provided of directive(field, 'provides')) object(provided, objections.provides(coordinate));
      if (!shared && !roots.has(type)) continue;
      const hubType = shared?.get(own);
      if (hubType === undefined) {
        if (!own.startsWith(name)) object(field.name, objections.fieldName(coordinate, `${name}${own[0]?.toUpperCase()}${own.slice(1)}`));
        // A subscription has one root field, so nothing stands beside it.
        if (field.type.kind === Kind.NON_NULL_TYPE && type !== 'Subscription')
          object(field.type, objections.nonNull(coordinate, print(field.type), print(field.type.type)));
        continue;
      }
      checkRules(field, coordinate);
      for (const given of field.arguments ?? []) checkRules(given, `${coordinate}(${given.name.value}:)`);
      if (print(field.type) !== hubType) object(field.type, objections.otherType(coordinate, print(field.type), hubType));
      const [given, hubs] = [argumentsText(field), hub.arguments.get(coordinate) ?? ''];
      if (given !== hubs) object(field.name, objections.otherArguments(coordinate, given, hubs));
      const isKey = [...(hub.keys.get(type) ?? [])].some((key) => key.split(' ').includes(own));
      if (!isKey && directive(field, 'external').length === 0 && directive(field, 'override').length === 0)
        object(field.name, objections.hubsField(coordinate));
      if (field.type.kind === Kind.NON_NULL_TYPE)
        for (const taken of directive(field, 'override')) object(taken, objections.overridesNonNull(coordinate));
    }
  }

  function checkOverride(field: FieldDefinitionNode, coordinate: string): void {
    for (const taken of directive(field, 'override'))
      if (textOf(taken, 'from') !== 'hub' || !grants.overrides.includes(coordinate)) object(taken, objections.override(coordinate));
  }

  function checkShared(
    part: DefinitionNode & { readonly name?: { readonly value: string; readonly loc?: Location | undefined } | undefined },
    ofHub: DefinitionNode,
  ): void {
    const type = part.name?.value ?? '';
    const at = part.name ?? part;
    if (part.kind === Kind.SCALAR_TYPE_DEFINITION && ofHub.kind === part.kind) return;
    if (part.kind === Kind.ENUM_TYPE_DEFINITION && ofHub.kind === part.kind) {
      const values = (one: typeof part) =>
        (one.values ?? [])
          .map((value) => value.name.value)
          .toSorted()
          .join(' ');
      if (values(part) !== values(ofHub)) object(at, objections.otherEnum(type));
      for (const value of part.values ?? []) checkRules(value, `${type}.${value.name.value}`);
      return;
    }
    const keys = hub.keys.get(type);
    if (!keys || !hasFields(part)) return object(at, objections.hubsType(type));
    if (!publicEntities.has(type) && !grants.entities.includes(type)) object(at, objections.notPublic(type, [...publicEntities]));
    const own = directive(part, 'key').map((key) => words(textOf(key, 'fields') ?? ''));
    const [main = ''] = keys;
    if (own.length > 0 && !own.includes(main)) object(at, objections.mainKey(type, main));
    for (const key of directive(part, 'key'))
      if (!keys.has(words(textOf(key, 'fields') ?? ''))) object(key, objections.otherKey(type, [...keys]));
    for (const implemented of part.interfaces ?? []) object(implemented, objections.implementing(type));
  }
}
