import { createHash } from 'node:crypto';

/**
 * The key of a submission at the back office: a UUID of version 8 (RFC 9562) made of who submitted and of the client's idempotency
 * key, so that the same submission has the same key whatever the store remembers. It tells nobody either of the two.
 */
export function deliveryKeyOf(owner: string, idempotencyKey: string): string {
  const bytes = createHash('sha256')
    .update(JSON.stringify(['staedtebund delivery', owner, idempotencyKey]))
    .digest()
    .subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The key of what follows a submission under its own key, for example a withdrawal. */
export const withdrawalKeyOf = (submissionKey: string): string => `${submissionKey}:withdraw`;
