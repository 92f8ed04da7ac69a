import { lookup as lookUp } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/*
 * A city chooses its webhook's address: without a guard, it could make the hub ask things that only the hub can reach. Every address is
 * looked at after the name was resolved and before the connection is made, and the connection goes to the address that was looked at, so
 * that a name which changes its mind gains nothing.
 */

/** Addresses that are not on the public internet (IANA special-purpose registries, RFC 6890). */
const special = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  special.addSubnet(network, prefix, 'ipv4');
/** The only IPv6 that is routed, less what in it stands for something else: documentation, Teredo, 6to4. */
const publicIpv6 = new BlockList();
publicIpv6.addSubnet('2000::', 3, 'ipv6');
const specialIpv6 = new BlockList();
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  specialIpv6.addSubnet(network, prefix, 'ipv6');

/** Which addresses may be reached. */
export interface AddressPolicy {
  /** CIDR. */
  readonly privateNetworks: readonly string[];
  /** The machine itself may be reached: for development only. */
  readonly loopback: boolean;
}

/** The IPv4 address inside an IPv6 one (`::ffff:10.0.0.1`), or the address as it is. */
function unmapped(address: string): string {
  const [, high = '', low = ''] =
    /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(new URL(`http://[${address}]`).hostname.slice(1, -1)) ?? [];
  if (high === '') return address;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
}

/** Whether a policy lets an address through. */
export function createAddressCheck({ privateNetworks, loopback }: AddressPolicy): (address: string) => boolean {
  const allowed = new BlockList();
  for (const network of [...privateNetworks, ...(loopback ? ['127.0.0.0/8', '::1/128'] : [])]) {
    const [address = '', prefix = ''] = network.split('/');
    allowed.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return (given) => {
    const address = isIP(given) === 6 ? unmapped(given.replace(/%.*$/, '')) : given;
    switch (isIP(address)) {
      case 4:
        return allowed.check(address, 'ipv4') || !special.check(address, 'ipv4');
      case 6:
        return allowed.check(address, 'ipv6') || (publicIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6'));
      default:
        return false;
    }
  };
}

/** Thrown where a name leads to an address that may not be reached. Names neither. */
export class AddressRefused extends Error {
  constructor() {
    super('the address is not public');
    this.name = 'AddressRefused';
  }
}

/** As `dns.lookup`, without the addresses that may not be reached; fails where none is left. */
export const guardedLookup =
  (isAllowed: (address: string) => boolean): LookupFunction =>
  (hostname, options, callback) => {
    lookUp(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const allowed = addresses.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (!first) return callback(new AddressRefused(), []);
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
