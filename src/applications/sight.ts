import type { KeyRules } from '#contract';
import type { Principal } from '../identity/identity.ts';

/**
 * Who may see an application: who submitted it, and the city it belongs to. Nobody else, whatever the role.
 */
export const maySee = (keys: KeyRules, application: { owner: string; ars: string }, principal: Principal | null): boolean => {
  if (!principal) return false;
  const submitter = principal.roles.includes('citizen') || principal.roles.includes('portal');
  return (submitter && application.owner === principal.owner) || isCityOf(keys, application, principal);
};

/** True for a clerk or system of the city that the application belongs to. */
export const isCityOf = (keys: KeyRules, application: { ars: string }, principal: Principal): boolean =>
  principal.roles.includes('city') && keys.sameMunicipality(principal.ars, application.ars);
