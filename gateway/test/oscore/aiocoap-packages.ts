/** aiocoap with what its OSCORE needs: it imports lakers (EDHOC) as soon as OSCORE is on, and does without ge25519 (group OSCORE). */
export const aiocoapPackages = [
  "aiocoap==0.4.17",
  "cbor2==5.6.5",
  "cryptography==50.0.2",
  "filelock==4.3.1",
  "lakers-python==0.6.2",
] as const;
