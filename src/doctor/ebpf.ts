// Whether the small program at tc ingress can be loaded: by the supervisor's own word, or by loading it for a moment.
import { fine, unseen, type Verdict } from "./verdict.ts";

/** `error`: why it does not load, as errno name or in the supervisor's words; undefined: it does. */
export type EbpfFacts = { isTried: boolean; error: string | undefined };

const id = "ebpf";

/** Whether what rules consume can end right after it was captured. */
export function judgeEbpf({ isTried, error }: EbpfFacts): Verdict[] {
  if (!isTried) {
    return [unseen(id, "Whether eBPF can be loaded was not tried: the native library is missing.")];
  }
  if (error === undefined) {
    return [fine(id, "the program at tc ingress loads")];
  }
  return [
    {
      id,
      severity: "warning",
      what: `The eBPF program at tc ingress cannot be loaded (${error}).`,
      why:
        "What rules consume climbs on into this host's IP stack: more CPU a datagram, and for a unicast input the host answers " +
        'the sender "port unreachable".',
      advice:
        "Run it as root, or give its service CAP_BPF and CAP_NET_ADMIN. The kernel needs CONFIG_BPF_SYSCALL and 5.8 or later.",
    },
  ];
}
