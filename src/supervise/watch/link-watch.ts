// When relaying has to look at links and routes again: at once when a link's bell rang, for routes as often as that may cost, and now
// and then as long as something is refused that nothing will announce the end of.
import { limits } from "../../limits.ts";
import type { Links } from "../kernel/links.ts";
import type { Relaying } from "../rules/relaying.ts";

/** Looks at the bells, and has relaying follow. */
export class LinkWatch {
  private readonly links: Pick<Links, "poll" | "pollRoutes" | "rings">;
  private readonly relaying: Pick<Relaying, "linksChanged" | "hasRefusals" | "settleMs">;
  private linksNotBeforeMs = Number.NEGATIVE_INFINITY;
  private haveRoutesRung = false;
  private routesLookedMs = Number.NEGATIVE_INFINITY;
  private retryAtMs = 0;

  constructor(
    links: Pick<Links, "poll" | "pollRoutes" | "rings">,
    relaying: Pick<Relaying, "linksChanged" | "hasRefusals" | "settleMs">,
  ) {
    this.links = links;
    this.relaying = relaying;
  }

  /** To be called every limits.linksPollMs; `nowMs` by any clock that only goes forward. */
  look(nowMs: number): void {
    const isChanged = nowMs >= this.linksNotBeforeMs && this.haveLinksRung(nowMs);
    this.haveRoutesRung = this.links.pollRoutes() || this.haveRoutesRung;
    const routesNotBeforeMs = this.routesLookedMs + this.relaying.settleMs / limits.routesShareMax;
    const areRoutesDue = this.haveRoutesRung && nowMs >= routesNotBeforeMs;
    if (isChanged || areRoutesDue || this.isRetryDue(nowMs)) {
      this.haveRoutesRung = false;
      this.routesLookedMs = nowMs;
      void this.relaying.linksChanged();
    }
  }

  private haveLinksRung(nowMs: number): boolean {
    const { rings } = this.links;
    const startMs = performance.now();
    const isChanged = this.links.poll() || this.links.rings !== rings;
    this.linksNotBeforeMs = nowMs + (performance.now() - startMs) / limits.linksShareMax;
    return isChanged;
  }

  private isRetryDue(nowMs: number): boolean {
    if (nowMs < this.retryAtMs) {
      return false;
    }
    this.retryAtMs = nowMs + limits.refusalRetryMs;
    return this.relaying.hasRefusals();
  }
}
