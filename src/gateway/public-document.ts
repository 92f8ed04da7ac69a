import { Kind, OperationTypeNode, TypeInfo, visit, visitWithTypeInfo, type DocumentNode, type GraphQLSchema } from 'graphql';

/*
 * Which documents ask for nothing but the public catalogue. Their answer is the same for everybody until the catalogue
 * changes, and holds no personal data, so it may be kept and given to the next who asks. What is not listed here, a field
 * added tomorrow among them, is answered anew each time.
 */

/** Types of which every field comes from the catalogue alone. */
const catalogueTypes = new Set([
  'Service',
  'ServiceConnection',
  'ServiceEdge',
  'ServiceEquivalence',
  'Offer',
  'OfferConnection',
  'OfferEdge',
  'Authority',
  'ProcessingTime',
  'Form',
  'Fee',
  'Freshness',
  'Competence',
  'AmbiguousPlace',
  'NoCompetentAuthority',
  'InvalidInput',
  'MunicipalityConnection',
  'MunicipalityEdge',
  'PageInfo',
]);

/** Fields that come from the catalogue, of types that have others too. */
const catalogueFields: Readonly<Record<string, ReadonlySet<string>>> = {
  Query: new Set(['service', 'services', 'competence', 'municipality', 'municipalities', '__schema', '__type']),
  Municipality: new Set([
    'id',
    'ars',
    'ags',
    'name',
    'kind',
    'federalState',
    'district',
    'population',
    'areaHectares',
    'postalCodes',
    'offers',
    'offer',
  ]),
  Problem: new Set(['code', 'message', 'path', 'helpUrl']),
};

const isPublicField = (parent: string, field: string): boolean =>
  field === '__typename' || parent.startsWith('__') || catalogueTypes.has(parent) || (catalogueFields[parent]?.has(field) ?? false);

const known = new WeakMap<DocumentNode, boolean>();

/** True where every operation of a valid document is a query for fields of the public catalogue. */
export function isPublicDocument(schema: GraphQLSchema, document: DocumentNode): boolean {
  let isPublic = known.get(document);
  if (isPublic === undefined) {
    isPublic = document.definitions.every(
      (part) =>
        part.kind === Kind.FRAGMENT_DEFINITION || (part.kind === Kind.OPERATION_DEFINITION && part.operation === OperationTypeNode.QUERY),
    );
    const types = new TypeInfo(schema);
    visit(
      document,
      visitWithTypeInfo(types, {
        Field: ({ name }) => {
          if (!isPublicField(types.getParentType()?.name ?? '', name.value)) isPublic = false;
        },
      }),
    );
    known.set(document, isPublic);
  }
  return isPublic;
}
