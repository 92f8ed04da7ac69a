/** Kinds of things that `node(id:)` finds. */
export const nodeTypes = ['Municipality', 'Service', 'Offer', 'Application', 'CaseFile'] as const;
export type NodeType = (typeof nodeTypes)[number];

/** Global id (Relay): base64url of `Type:key`. Opaque to clients, so that keys may change their form. */
export const toGlobalId = (type: NodeType, key: string): string => Buffer.from(`${type}:${key}`).toString('base64url');

/** What a global id names, or null if the text is none. */
export function parseGlobalId(id: string): { readonly type: NodeType; readonly key: string } | null {
  if (id.length > 200 || !/^[\w-]+$/.test(id)) return null;
  const text = Buffer.from(id, 'base64url').toString();
  const colon = text.indexOf(':');
  const type = nodeTypes.find((name) => name === text.slice(0, colon));
  const key = text.slice(colon + 1);
  // Several base64url texts decode to the same bytes: only the one we hand out is an id.
  return type && key && toGlobalId(type, key) === id ? { type, key } : null;
}

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** True for a key as the store makes them: anybody may write a global id with another one in it, such as PostgreSQL refuses to read. */
export const isUuid = (key: string): boolean => uuid.test(key);

const keyOf = (type: NodeType, id: string): string | null => {
  if (isUuid(id)) return id;
  const parsed = parseGlobalId(id);
  return parsed?.type === type && isUuid(parsed.key) ? parsed.key : null;
};

/** The application that a caller means: by global id, or by the UUID under which the back office knows it. */
export const applicationKey = (id: string): string | null => keyOf('Application', id);

/** The case that a caller means: by global id, or by the UUID that its events carry. */
export const caseKey = (id: string): string | null => keyOf('CaseFile', id);
