import { lookup as lookUp } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/*
 * A city chooses its webhook's address: without a guard, it could make the hub ask things that only the hub can reach. Every address is
 * looked at after the name was resolved and before the connection is made, and the connection goes to the address that was looked at, so
 * that a name which changes its mind gains nothing.
 */

/**
 * IPv4 that is not on the public internet, whole: the IANA special-purpose registry (RFC 6890 and what was added since), multicast, and
 * 168.63.129.16, under which a virtual machine of Azure reaches the host that runs it.
 */
const specialIpv4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8',
  '100.64.0.0/10', // shared with a provider
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16', // link-local; where clouds keep their metadata
  '172.16.0.0/12',
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16',
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
];
/** The only IPv6 that is routed. Everything else, NAT64 and IPv4-mapped among it, is refused as a whole. */
const routedIpv6 = ['2000::/3'];
/** What of it is special: an address that stands for another one (Teredo, 6to4), documentation, protocols. */
const specialIpv6 = [
  '2001::/23', // Teredo, ORCHID, AMT, AS112, benchmarks
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
];
/**
 * Never reached outside development, whatever a city's file allows: the machine itself, and what only it may ask (metadata of clouds,
 * with them often the keys of the machine). A city's network is none of these.
 */
const ownMachine = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '192.0.0.192/32', // metadata at Oracle
  '100.100.100.200/32', // metadata at Alibaba
  '::/127', // unspecified, loopback
  'fe80::/10', // link-local
  'fd00:ec2::/32', // metadata at AWS
  'fd20:ce::254/128', // metadata at Google
];

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

const [special, routed, specialRouted, own] = [specialIpv4, routedIpv6, specialIpv6, ownMachine].map(listOf) as [
  BlockList,
  BlockList,
  BlockList,
  BlockList,
];

/** Which addresses may be reached. */
export interface AddressPolicy {
  /** CIDR; never opens the machine itself and what only it may ask. */
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
  const allowed = listOf(privateNetworks);
  const machine = listOf(['127.0.0.0/8', '::1/128']);
  return (given) => {
    const address = isIP(given) === 6 ? unmapped(given.replace(/%.*$/, '')) : given;
    const version = isIP(address);
    if (version === 0) return false;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    if (machine.check(address, family)) return loopback;
    if (own.check(address, family)) return false;
    if (allowed.check(address, family)) return true;
    return version === 4 ? !special.check(address, 'ipv4') : routed.check(address, 'ipv6') && !specialRouted.check(address, 'ipv6');
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
