/** The treaty between hub and adapters: everything that is imported as `#contract`. Imports nothing. */
export * from './adapter.ts';
export * from './amounts.ts';
export * from './batches.ts';
export * from './error.ts';
export * from './event.ts';
export * from './html-text.ts';
export * from './keys.ts';
export * from './http.ts';
export * from './offer.ts';
export * from './problem.ts';
export * from './record.ts';
export * from './vocabulary.ts';
