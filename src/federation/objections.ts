import type { Localised } from '#contract';

/** Something that keeps an SDL from becoming a subgraph, at its place in the SDL. */
export interface Objection {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly problem: Localised;
  readonly remedy: Localised;
}

/** What an objection says. */
export type Objecting = Pick<Objection, 'problem' | 'remedy'>;

const both = (de: string, en: string): Localised => ({ de, en });
const saying = (problem: Localised, remedy: Localised): Objecting => ({ problem, remedy });

const askOperator = both(
  'Oder bitten Sie die Betreiber des Hubs um eine Ausnahme (grants).',
  'Or ask the hub’s operators for an exception (grants).',
);
const or = (de: string, en: string): Localised => both(`${de} ${askOperator.de}`, `${en} ${askOperator.en}`);

/** Every objection there is. */
export const objections = {
  syntax: (message: string) =>
    saying(
      both(`Das ist kein gültiges GraphQL-Schema: ${message}`, `This is not valid GraphQL SDL: ${message}`),
      both('Berichtigen Sie es an dieser Stelle.', 'Correct it at this place.'),
    ),
  tooLong: (length: number, most: number) =>
    saying(
      both(`Das Schema hat ${length} Zeichen; erlaubt sind ${most}.`, `The SDL has ${length} characters; ${most} are allowed.`),
      both('Teilen Sie es auf mehrere Subgraphen auf.', 'Split it into several subgraphs.'),
    ),
  noLink: () =>
    saying(
      both('Das Schema nennt keine Fassung von Apollo Federation 2.', 'The SDL names no version of Apollo Federation 2.'),
      both(
        'Beginnen Sie es mit: extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])',
        'Begin it with: extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])',
      ),
    ),
  renamed: () =>
    saying(
      both('Dieses @link gibt Direktiven andere Namen.', 'This @link gives directives other names.'),
      both(
        'Importieren Sie die Direktiven der Federation unter ihren eigenen Namen, ohne as: import: ["@key"].',
        'Import federation’s directives under their own names, without as: import: ["@key"].',
      ),
    ),
  nameTooNear: (name: string, other: string) =>
    saying(
      both(
        `Der Name „${name}“ lässt sich nicht von „${other}“ unterscheiden, wenn Typen und Felder mit ihm beginnen.`,
        `The name “${name}” cannot be told from “${other}” where types and fields begin with it.`,
      ),
      both('Wählen Sie einen Namen, der nicht mit dem anderen beginnt.', 'Choose a name that does not begin with the other one.'),
    ),
  takenByHub: (name: string, what: string) =>
    saying(
      both(`Mit „${name}“ beginnt beim Hub schon ${what}.`, `The hub’s own ${what} begins with “${name}”.`),
      both('Wählen Sie einen anderen Namen für den Subgraphen.', 'Choose another name for the subgraph.'),
    ),
  otherRoot: (name: string) =>
    saying(
      both(`Die Wurzel heißt hier „${name}“.`, `The root is called “${name}” here.`),
      both('Nennen Sie sie Query, Mutation oder Subscription.', 'Call it Query, Mutation or Subscription.'),
    ),
  composedDirective: () =>
    saying(
      both('@composeDirective würde für alle gelten.', '@composeDirective would hold for everybody.'),
      both('Lassen Sie es weg.', 'Leave it out.'),
    ),
  typeName: (found: string, wanted: string) =>
    saying(
      both(`Der Typ „${found}“ könnte auch von anderen gemeint sein.`, `Others could mean the type “${found}” too.`),
      both(`Beginnen Sie mit dem Namen des Subgraphen: ${wanted}.`, `Begin with the subgraph’s name: ${wanted}.`),
    ),
  fieldName: (found: string, wanted: string) =>
    saying(
      both(`Das Feld ${found} könnte auch von anderen gemeint sein.`, `Others could mean the field ${found} too.`),
      both(
        `Beginnen Sie mit dem Namen des Subgraphen: ${wanted}. Felder, die alle Städte beantworten, sind Vertragsfelder (schema/contracts).`,
        `Begin with the subgraph’s name: ${wanted}. Fields that all cities answer are contract fields (schema/contracts).`,
      ),
    ),
  nonNull: (coordinate: string, found: string, wanted: string) =>
    saying(
      both(
        `${coordinate} darf nie null sein (${found}): Fiele der Subgraph aus, ginge verloren, was daneben steht, auch Antworten anderer.`,
        `${coordinate} must never be null (${found}): if the subgraph failed, what stands beside it would be lost, answers of others included.`,
      ),
      both(
        `Schreiben Sie ${wanted}. Felder Ihrer eigenen Typen dürfen Non-Null bleiben.`,
        `Write ${wanted}. Fields of your own types may stay non-null.`,
      ),
    ),
  overridesNonNull: (coordinate: string) =>
    saying(
      both(
        `@override auf ${coordinate}: Das Feld darf nie null sein. Fiele der Subgraph aus, ginge verloren, was daneben steht.`,
        `@override on ${coordinate}: the field must never be null. If the subgraph failed, what stands beside it would be lost.`,
      ),
      both(
        'Übernehmen Sie nur Felder, die null sein dürfen, oder geben Sie dem Feld einen eigenen Namen.',
        'Take over only fields that may be null, or give the field a name of its own.',
      ),
    ),
  hubsField: (coordinate: string) =>
    saying(
      both(`${coordinate} ist ein Feld des Hubs.`, `${coordinate} is the hub’s own field.`),
      both('Wiederholen Sie es nur als Schlüssel oder mit @external.', 'Repeat it only as a key or with @external.'),
    ),
  hubsType: (type: string) =>
    saying(
      both(`„${type}“ ist ein Typ des Hubs.`, `“${type}” is a type of the hub.`),
      both(
        'Erweitern lassen sich nur Typen mit @key; nehmen Sie sonst einen eigenen Namen.',
        'Only types with @key can be extended; else take a name of your own.',
      ),
    ),
  otherEnum: (type: string) =>
    saying(
      both(`„${type}“ hat beim Hub andere Werte.`, `“${type}” has other values in the hub.`),
      both('Nehmen Sie genau dieselben Werte oder einen eigenen Namen.', 'Take exactly the same values, or a name of your own.'),
    ),
  notPublic: (type: string, open: readonly string[]) =>
    saying(
      both(`„${type}“ ist nicht öffentlich.`, `“${type}” is not public.`),
      or(`Erweitern Sie öffentliche Typen: ${open.join(', ')}.`, `Extend public types: ${open.join(', ')}.`),
    ),
  otherKey: (type: string, keys: readonly string[]) =>
    saying(
      both(`„${type}“ hat diesen Schlüssel nicht.`, `“${type}” has no such key.`),
      both(`Möglich: ${keys.join(', ')}.`, `Possible: ${keys.join(', ')}.`),
    ),
  mainKey: (type: string, key: string) =>
    saying(
      both(
        `„${type}“ wird hier ohne den Schlüssel ${key} erweitert, den alle kennen; zu anderen Subgraphen führt so kein sicherer Weg.`,
        `“${type}” is extended without the key ${key}, which all know; so no sure way leads to other subgraphs.`,
      ),
      both(`Schreiben Sie @key(fields: "${key}"), allein oder zusätzlich.`, `Write @key(fields: "${key}"), alone or besides.`),
    ),
  otherType: (coordinate: string, found: string, hubs: string) =>
    saying(
      both(`${coordinate} hat hier den Typ ${found}, beim Hub ${hubs}.`, `${coordinate} is ${found} here and ${hubs} in the hub.`),
      both(`Schreiben Sie ${hubs}: Typen geteilter Felder müssen gleich sein.`, `Write ${hubs}: types of shared fields must be the same.`),
    ),
  ruleOnHub: (where: string, name: string) =>
    saying(
      both(`@${name} auf ${where} würde auch für den Hub gelten.`, `@${name} on ${where} would hold for the hub too.`),
      both('Lassen Sie es weg.', 'Leave it out.'),
    ),
  implementing: (type: string) =>
    saying(
      both(`„${type}“ bekäme hier ein weiteres Interface.`, `“${type}” would get another interface here.`),
      both('Lassen Sie es weg.', 'Leave it out.'),
    ),
  override: (coordinate: string) =>
    saying(
      both(`@override auf ${coordinate} ist nicht erlaubt.`, `@override on ${coordinate} is not allowed.`),
      or('Geben Sie dem Feld einen eigenen Namen.', 'Give the field a name of its own.'),
    ),
  provides: (coordinate: string) =>
    saying(
      both(
        `${coordinate} will mit @provides Felder des Hubs beantworten.`,
        `${coordinate} wants to answer fields of the hub by @provides.`,
      ),
      both('Lassen Sie es weg: der Hub beantwortet sie.', 'Leave it out: the hub answers them.'),
    ),
  requiresFragment: (coordinate: string) =>
    saying(
      both(
        `@requires auf ${coordinate} enthält ein Fragment; das lässt sich nicht zusammensetzen.`,
        `@requires on ${coordinate} holds a fragment, which does not compose.`,
      ),
      both('Nennen Sie nur Felder.', 'Name fields only.'),
    ),
  requiresAbstract: (coordinate: string, type: string) =>
    saying(
      both(
        `@requires auf ${coordinate} führt durch „${type}“, ein Interface oder eine Union; der Hub könnte es nicht zuverlässig beschaffen.`,
        `@requires on ${coordinate} leads through “${type}”, an interface or a union; the hub could not reliably provide it.`,
      ),
      both('Nennen Sie nur Felder von Objekttypen.', 'Name fields of object types only.'),
    ),
  requiresAlias: (coordinate: string) =>
    saying(
      both(`@requires auf ${coordinate} enthält einen Alias.`, `@requires on ${coordinate} holds an alias.`),
      both('Nennen Sie die Felder unter ihrem eigenen Namen.', 'Name the fields by their own names.'),
    ),
  requiresUnknown: (coordinate: string, message: string) =>
    saying(
      both(
        `@requires auf ${coordinate} passt nicht zu Ihrem Schema: ${message}`,
        `@requires on ${coordinate} does not fit your SDL: ${message}`,
      ),
      both(
        'Nennen Sie Felder, die Ihr Schema mit @external wiederholt, mit Argumenten, die sie haben.',
        'Name fields that your SDL repeats with @external, with arguments that they have.',
      ),
    ),
  requiresTwice: (coordinate: string, field: string) =>
    saying(
      both(
        `@requires auf ${coordinate}: ${field} wird auch mit anderen Argumenten benötigt. Der Subgraph bekommt es nur einmal.`,
        `@requires on ${coordinate}: ${field} is required with other arguments too. The subgraph is given it once only.`,
      ),
      both(
        'Nehmen Sie überall dieselben Argumente, oder erweitern Sie den Typ in zwei Subgraphen.',
        'Take the same arguments everywhere, or extend the type in two subgraphs.',
      ),
    ),
  otherArguments: (coordinate: string, found: string, hubs: string) =>
    saying(
      both(
        `${coordinate} hat hier die Argumente ${found || '–'}, beim Hub ${hubs || '–'}.`,
        `${coordinate} has the arguments ${found || '–'} here and ${hubs || '–'} in the hub.`,
      ),
      both('Wiederholen Sie sie genau, mit ihren Vorgaben.', 'Repeat them exactly, with their defaults.'),
    ),
  interfaceObjectExternal: (coordinate: string) =>
    saying(
      both(
        `${coordinate} ist @external auf einem @interfaceObject; das lässt sich nicht zusammensetzen.`,
        `${coordinate} is @external on an @interfaceObject, which does not compose.`,
      ),
      both('Nehmen Sie einen eigenen Typ.', 'Take a type of your own.'),
    ),
  notComposed: (message: string) =>
    saying(
      both(
        `Das Schema lässt sich nicht mit dem des Hubs zusammensetzen: ${message}`,
        `The SDL does not compose with the hub’s: ${message}`,
      ),
      both('Berichtigen Sie es und melden Sie es erneut an.', 'Correct it and register it again.'),
    ),
} as const;
