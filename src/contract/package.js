/*
 * `staedtebund/contract`, as package.json exports it. In a checkout, also one that npm links, it is the contract's source and
 * so the very same classes that the hub has. Under node_modules Node strips no types: an installed package carries the
 * contract built (`npm pack` does it).
 */
const contract = import.meta.url.includes('/node_modules/')
  ? await import('../../dist/contract/contract.js')
  : await import('./contract.ts');

export const {
  AdapterError,
  HubError,
  applicationStatuses,
  assuranceLevels,
  assuranceSuffices,
  channels,
  clockSkewMs,
  contractVersion,
  contractVersions,
  flawOf,
  inLanguage,
  isAdapterError,
  isInFuture,
  isLeikaKey,
  latestMoment,
  localServiceKey,
  mappableStatuses,
  parseMunicipalityArs,
  parseMunicipalityKey,
  parsePostalCode,
  parseRegionalKey,
  parseServiceKey,
  placeToSave,
  problemCodes,
  problemText,
  readChanges,
  refuse,
  regionsAbove,
  savedPlace,
} = contract;
