import { Kind, OperationTypeNode, TypeInfo, visit, visitWithTypeInfo, type DocumentNode, type GraphQLSchema } from 'graphql';
import { accessOf } from './access.ts';

/*
 * Which documents ask for nothing but the public catalogue. Their answer is the same for everybody until the catalogue
 * changes, and holds no personal data, so it may be kept and given to the next who asks. What is not classified, a field
 * of a city's own part of the graph among them, is answered anew each time.
 */

const known = new WeakMap<DocumentNode, boolean>();

/** True if every operation of a valid document is a query for fields of the public catalogue. */
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
          if (accessOf(types.getParentType()?.name ?? '', name.value) !== 'catalogue') isPublic = false;
        },
      }),
    );
    known.set(document, isPublic);
  }
  return isPublic;
}
