// Rules that want another IGMP version than their link speaks. The version is the link's: what its querier speaks, or what sysctl
// force_igmp_version says. No socket option changes it (ip(7)), so a process can only say what does not fit, and repeat reports in the version that
// was asked for (rejoin.ts).
import { isMulticast } from "../../base/ipv4.ts";
import { areaOf } from "../../rules/precedence.ts";
import type { Rule } from "../../rules/schema.ts";
import { type IgmpVersion, spokenVersions } from "../kernel/igmp.ts";
import type { LiveRule } from "../rules/live-rule.ts";
import { type OnWarning, RuleWarnings } from "../rules/rule-warnings.ts";

/** What it looks at, and whom it tells. */
export type IgmpVersionsParts = {
  relaying: { list(): readonly LiveRule[] };
  onNews: OnWarning;
};

/** Looks once in a while. */
export class IgmpVersions {
  private readonly relaying: IgmpVersionsParts["relaying"];
  private readonly warnings: RuleWarnings;
  /** As of the list that it was taken from. */
  private choosy: { of: readonly LiveRule[]; rules: readonly LiveRule[] } = { of: [], rules: [] };

  constructor({ relaying, onNews }: IgmpVersionsParts) {
    this.relaying = relaying;
    this.warnings = new RuleWarnings(onNews);
  }

  /** What does not fit, in words. */
  warningsOf(ruleId: string): readonly string[] {
    return this.warnings.of(ruleId);
  }

  /** To be called once a period; reads nothing where no rule could be at odds with its link. */
  look(): void {
    const choosy = this.choosyNow().filter(({ pending }) => pending === undefined);
    const versions = choosy.length === 0 ? new Map<number, IgmpVersion>() : spokenVersions();
    this.warnings.become(
      new Map(
        choosy.map((live) => [
          live.rule.rule_id,
          live.captures.flatMap(({ link }) => mismatch(live.rule, link.name, versions.get(link.index)) ?? []),
        ]),
      ),
    );
  }

  private choosyNow(): readonly LiveRule[] {
    const all = this.relaying.list();
    if (this.choosy.of !== all) {
      this.choosy = { of: all, rules: all.filter(isChoosy) };
    }
    return this.choosy.rules;
  }
}

function isChoosy({ rule }: LiveRule): boolean {
  const hasWish = rule.input_igmp_version !== undefined || rule.input_source !== undefined;
  return hasWish && isMulticast(areaOf(rule).group.first);
}

/** What does not fit between a rule and the version that `link` speaks. */
export function mismatch(rule: Rule, link: string, spoken: IgmpVersion | undefined): string | undefined {
  const { input_igmp_version: wanted, input_source: source } = rule;
  const setting = `net.ipv4.conf.${link}.force_igmp_version`;
  if (spoken === undefined) {
    return undefined;
  }
  if (source !== undefined && areaOf(rule).source.bits === 32 && spoken < 3) {
    return (
      `${link} speaks IGMPv${spoken}, which knows no sources: the group is joined from every sender, and only what ${source} sends is forwarded; ` +
      `an older querier was heard there, or ${setting} is ${spoken}`
    );
  }
  if (wanted === undefined || wanted === spoken) {
    return undefined;
  }
  const cure =
    wanted === 2
      ? `'sysctl -w ${setting}=2' makes it speak that version`
      : `an older querier was heard there, or ${setting} is ${spoken}`;
  return `${link} speaks IGMPv${spoken}: the group is joined in that version, and its report repeated in version ${wanted}, as the rule says; ${cure}`;
}
