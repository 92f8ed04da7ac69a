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
  breathe,
  channels,
  clockSkewMs,
  contractVersion,
  contractVersions,
  createBatches,
  decodeText,
  decoderFor,
  feesOf,
  flawOf,
  inLanguage,
  isAdapterError,
  isFeeLabel,
  isInFuture,
  isJson,
  isLeikaKey,
  latestMoment,
  localServiceKey,
  mappableStatuses,
  parseJson,
  parseMunicipalityArs,
  parseMunicipalityKey,
  parsePostalCode,
  parseRegionalKey,
  parseServiceKey,
  placeToSave,
  plainLines,
  problemCodes,
  problemText,
  processingDaysOf,
  readChanges,
  readJson,
  readText,
  refuse,
  regionsAbove,
  retryAfterMs,
  savedPlace,
  shorten,
  textLines,
} = contract;
