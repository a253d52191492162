import type { MapInfo, ResourceCreate3d, TransferToHost3d } from "../../protocol/wire.gen.ts";

/** What the device's side knows of a resource that is a renderer's on another thread. */
export class RemoteResource {
  /** Where a blob's bytes lie; 0 when they are not in the memory. */
  address: number;
  /** How a guest may cache a blob's bytes. */
  readonly mapInfo: MapInfo | undefined;
  readonly #widthTexels: number;
  readonly #heightTexels: number;
  /** The last transfer that the renderer has let pass, in numbers: level, strides, offset, bytes of the pages, box. */
  readonly #passed = new Float64Array(11);

  private constructor(address: number, mapInfo: MapInfo | undefined, widthTexels: number, heightTexels: number) {
    this.address = address;
    this.mapInfo = mapInfo;
    this.#widthTexels = widthTexels;
    this.#heightTexels = heightTexels;
  }

  /** A 3D resource. */
  static of3d({ width, height }: ResourceCreate3d): RemoteResource {
    return new RemoteResource(0, undefined, width, height);
  }

  /** A blob, whose picture, if it has one, has a size that only the renderer knows. */
  static ofBlob(address: number, mapInfo: MapInfo | undefined): RemoteResource {
    return new RemoteResource(address, mapInfo, 0, 0);
  }

  /** Texels in a row of a level; 0 when that is not known. */
  widthOf(level: number): number {
    return levelOf(this.#widthTexels, level);
  }

  /** Rows of a level; 0 when that is not known. */
  heightOf(level: number): number {
    return levelOf(this.#heightTexels, level);
  }

  /**
   * Whether the renderer cannot refuse a transfer, having let pass one before with the same strides from pages as long or
   * shorter, that began there or later and whose box held this one's.
   */
  isSureToPass({ box, offset, level, stride, layerStride }: TransferToHost3d, totalBytes: number): boolean {
    const passed = this.#passed;
    const [x, y, z, w, h, d] = [passed[5]!, passed[6]!, passed[7]!, passed[8]!, passed[9]!, passed[10]!];
    return w > 0 && level === passed[0] && stride === passed[1] && layerStride === passed[2] && offset <= passed[3]! &&
      totalBytes >= passed[4]! && box.x >= x && box.y >= y && box.z >= z && box.x + box.w <= x + w &&
      box.y + box.h <= y + h && box.z + box.d <= z + d;
  }

  /** Notes a transfer that the renderer has let pass. */
  pass({ box, offset, level, stride, layerStride }: TransferToHost3d, totalBytes: number): void {
    const passed = this.#passed;
    passed[0] = level;
    passed[1] = stride;
    passed[2] = layerStride;
    passed[3] = offset;
    passed[4] = totalBytes;
    passed[5] = box.x;
    passed[6] = box.y;
    passed[7] = box.z;
    passed[8] = box.w;
    passed[9] = box.h;
    passed[10] = box.d;
  }
}

function levelOf(texels: number, level: number): number {
  return texels === 0 ? 0 : Math.max(1, Math.floor(texels / 2 ** level));
}
