import type { ScreenSource } from "../../src/cli/http.ts";
import type { Screenshot } from "../../src/hosts/deno/vhost_user.ts";

/** Screens that a test changes. */
export class FakeScreens implements ScreenSource {
  /** What each scanout shows. */
  readonly screens: (Screenshot | undefined)[] = [];
  /** The number of frames; a change counts once it is raised. */
  frames = 0;
  /** How often a picture was asked for. */
  asked = 0;

  screen() {
    return { widthPixels: 0, heightPixels: 0, frames: this.frames };
  }

  screenshot(scanoutId: number): Promise<Screenshot | undefined> {
    this.asked++;
    return Promise.resolve(this.screens[scanoutId]);
  }
}

/** A picture in which every colour byte says where it is. */
export function pictureOf(widthPixels: number, heightPixels: number) {
  const rgba = Uint8Array.from({ length: widthPixels * heightPixels * 4 }, (_, index) => index % 4 === 3 ? 255 : index);
  return { widthPixels, heightPixels, rgba };
}

/** What a back end says of a scanout with such a picture. */
export function shotOf(widthPixels: number, heightPixels: number): Screenshot {
  return { picture: pictureOf(widthPixels, heightPixels), format: "B8G8R8X8", resourceId: 5, cursor: undefined };
}
