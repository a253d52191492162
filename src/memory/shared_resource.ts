/**
 * A resource as somebody else of the same host sees it, another virtio device or a renderer: bytes, which both find in the
 * same memory. Once the driver has destroyed the resource, nothing can be read any more.
 */
export interface SharedResource {
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /**
   * Copies `lengthBytes` bytes from position `start` of the resource to the address `target` in the device's memory. False,
   * with nothing copied, when they are not all in the resource, or its guest pages are not there.
   */
  read(start: number, lengthBytes: number, target: number): boolean;
}
