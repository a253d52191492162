import type { DeviceRings } from "./device_rings.ts";
import type { Message } from "./message_reader.ts";
import {
  FrontEndRequest,
  readU64Payload,
  readVringAddr,
  readVringState,
  VRING_INDEX_MASK,
  VRING_NO_FD,
} from "./vhost_user.gen.ts";
import type { Vring } from "./vring.ts";

/** Most descriptors of a ring, as in QEMU; a front end chooses how many, whatever the device would choose. */
const MAX_RING_SIZE = 1024;

/** Most of an index in the available ring. */
const MAX_INDEX = 0xffff;

/** Carries out one of the requests that say something of a ring, or returns why it does not. */
export function carryOutVringRequest(rings: DeviceRings, message: Message): string | undefined {
  const ring = ringOf(rings, message);
  if (ring === undefined) return "there is no such ring";
  const problem = isAboutEventFd(message) ? setEventFd(ring, message) : setState(rings, ring, message);
  if (problem === undefined) rings.update(ring);
  return problem;
}

function isAboutEventFd({ header: { request } }: Message): boolean {
  return request === FrontEndRequest.SetVringKick || request === FrontEndRequest.SetVringCall ||
    request === FrontEndRequest.SetVringErr;
}

function ringOf({ rings }: DeviceRings, message: Message): Vring | undefined {
  if (isAboutEventFd(message)) return rings[readU64Payload(message.words, 0).valueLow & VRING_INDEX_MASK];
  return rings[readVringState(message.words, 0).index]; // SET_VRING_ADDR begins with the index too
}

function setEventFd(ring: Vring, { header: { request }, words, fds }: Message): string | undefined {
  const hasFd = (readU64Payload(words, 0).valueLow & VRING_NO_FD) === 0;
  if (fds.length !== (hasFd ? 1 : 0)) return `${fds.length} file descriptors come with it`;
  if (request === FrontEndRequest.SetVringKick && !hasFd) return "a ring without a kick would have to be polled";
  const fd = fds.pop();
  if (request === FrontEndRequest.SetVringKick) ring.setKick(fd);
  if (request === FrontEndRequest.SetVringCall) ring.setCall(fd);
  if (request === FrontEndRequest.SetVringErr) ring.setError(fd);
  return undefined;
}

function setState(rings: DeviceRings, ring: Vring, { header: { request }, words }: Message): string | undefined {
  const { num } = readVringState(words, 0);
  switch (request) {
    case FrontEndRequest.SetVringNum:
      if (num < 1 || num > MAX_RING_SIZE || (num & (num - 1)) !== 0) return `a ring cannot have ${num} descriptors`;
      ring.size = num;
      break;
    case FrontEndRequest.SetVringBase:
      if (num > MAX_INDEX) return `a ring cannot begin at ${num}`;
      rings.setBase(ring, num);
      break;
    case FrontEndRequest.SetVringEnable:
      if (num > 1) return `a ring is enabled by 1 or disabled by 0, not by ${num}`;
      ring.isEnabled = num === 1;
      break;
    case FrontEndRequest.SetVringAddr:
      ring.addresses = readVringAddr(words, 0);
      break;
  }
  return undefined;
}
