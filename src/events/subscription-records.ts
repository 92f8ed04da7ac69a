import type { Kysely } from 'kysely';
import type { EventChoice } from '../cities/cities.ts';
import { newId } from '../infra/ids.ts';
import type { Database } from '../infra/store/schema.ts';
import type { Tx } from '../infra/store/store.ts';

/** The SQL of subscriptions that cities made through the API. */

type Db = Kysely<Database>;

/** What a city asked for through the API. */
export interface Subscription extends EventChoice {
  readonly id: string;
  readonly createdAt: Date;
}

export async function listSubscriptions(db: Db, city: string): Promise<readonly Subscription[]> {
  const rows = await db.selectFrom('event_subscription').selectAll().where('city', '=', city).orderBy('id').execute();
  return rows.map((row) => ({
    id: row.id,
    types: JSON.parse(row.types) as readonly string[],
    services: JSON.parse(row.services) as readonly string[],
    createdAt: new Date(row.created_at),
  }));
}

export const addSubscription = async (tx: Tx, city: string, { types, services }: EventChoice, by: string, at: number): Promise<void> => {
  await tx
    .insertInto('event_subscription')
    .values({ id: newId(), city, types: JSON.stringify(types), services: JSON.stringify(services), created_at: at, created_by: by })
    .execute();
};

/** False if the city has no such subscription. */
export async function removeSubscription(tx: Tx, city: string, id: string): Promise<boolean> {
  const result = await tx.deleteFrom('event_subscription').where('city', '=', city).where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows === 1n;
}
