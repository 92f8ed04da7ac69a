import { isLeikaKey, type ServiceKey } from '#contract';

/**
 * Under which keys an offer of a service may stand, in the order in which they are preferred.
 *
 * A LeiKa key is `99 GGG KKK VVV DDD`: group, object, action, detail (FIM/LeiKa handbook). `000` holds for everything
 * below it (the DLDB schema says so too), so an offer filed under the object `99108001000000` also answers who asks
 * for its issuing, `99108001001000`. After the asked key come its curated equivalents, then the broader keys.
 */
export function keysAnswering(asked: ServiceKey, equivalents: readonly ServiceKey[]): readonly ServiceKey[] {
  return [...new Set([asked, ...equivalents, ...broaderKeys(asked)])];
}

/** The key without its detail, then without its action; none for a local key or an object key. */
export function broaderKeys(key: ServiceKey): readonly ServiceKey[] {
  if (!isLeikaKey(key)) return [];
  const broader = [`${key.slice(0, 11)}000`, `${key.slice(0, 8)}000000`] as ServiceKey[];
  return [...new Set(broader)].filter((candidate) => candidate !== key);
}
